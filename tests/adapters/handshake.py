"""A real TLS handshake, OpenSSL against OpenSSL, over memory instead of a socket."""

import contextlib
import ssl


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str | None:
    """The protocol version agreed on; raises the SSLError of whichever side gives up first."""
    upstream, downstream = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(downstream, upstream, server_hostname=host),
        server.wrap_bio(upstream, downstream, server_side=True),
    ]
    for _ in range(4):  # more flights than any version of TLS has
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[1].version()
