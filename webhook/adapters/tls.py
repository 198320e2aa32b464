"""TLS contexts for our listeners, and who may connect."""

import contextlib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webhook.core.errors import NsProvisionerError

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""


class CertificateError(NsProvisionerError):
    """A certificate or key cannot be used; the text says which file and why."""


class _PassPhraseError(Exception):
    """OpenSSL has asked for a pass phrase."""


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """A TLS 1.2+ context for a listener. Raises CertificateError.

    With `client_ca`, only clients with a certificate of that authority get through the handshake.
    """
    context = _bare_context()
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except _PassPhraseError as error:
        raise CertificateError(f"key {key} cannot be used: it has a pass phrase; store it without") from error
    except OSError as error:
        raise CertificateError(
            f"certificate {certificate} with key {key} cannot be used: {_reason(error)}; "
            "make a pair with `nsp certs make`"
        ) from error
    if client_ca is not None:
        _ask_for_certificate(context)
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise CertificateError(f"client CA {client_ca} cannot be used: {_reason(error)}") from error
    return context


def unresumable_context(full: ssl.SSLContext) -> ssl.SSLContext:
    """A context for one connection: it begins the handshake, and `full` brings certificate and CA.

    Sessions and tickets belong to the context that a handshake began in. This one dies with its
    connection, so that every client shows its certificate every time.
    """
    context = _bare_context()
    _ask_for_certificate(context)

    def hand_over(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, begun: ssl.SSLContext) -> None:
        connection.context = full

    context.sni_callback = hand_over  # called after each ClientHello, with or without a name in it
    return context


def admits(subjects: frozenset[str]) -> Callable[[ssl.SSLObject], bool]:
    """Whether a client that came through its handshake bears one of `subjects`; any will do for none.

    Subjects are common names and DNS names of its certificate.
    """

    def check(connection: ssl.SSLObject) -> bool:
        return not subjects or not subjects.isdisjoint(_names(connection))

    return check


def validity(certificate: Path, key: Path) -> tuple[datetime, datetime]:
    """From when to when a certificate, which may have a chain behind it, is valid (UTC).

    This is a handshake in memory with a client that trusts just this certificate, whatever the time:
    so it shows that the pair serves, too. Raises CertificateError.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags = ssl.VerifyFlags(
        client.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    )
    try:
        text = certificate.read_text("ascii", "ignore")
        leaf, end_of_leaf, _ = text.partition("-----END CERTIFICATE-----")
        client.load_verify_locations(cadata=leaf + end_of_leaf)
        peer = _served(server_context(certificate, key), client)
    except OSError as error:  # the files may be changing this very moment
        reason = getattr(error, "verify_message", "") or _reason(error)
        raise CertificateError(f"certificate {certificate} does not serve: {reason}") from error
    begins, ends = (ssl.cert_time_to_seconds(peer[name]) for name in ("notBefore", "notAfter"))
    return datetime.fromtimestamp(begins, UTC), datetime.fromtimestamp(ends, UTC)


def _served(server: ssl.SSLContext, client: ssl.SSLContext) -> Any:
    """The certificate that `server` shows to `client`, in the form that Python gives it."""
    upstream, downstream = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(downstream, upstream)
    serving = server.wrap_bio(upstream, downstream, server_side=True)
    for end in (asking, serving, asking):  # the client has then seen all it wants
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return asking.getpeercert()


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _ask_for_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def _names(connection: ssl.SSLObject) -> set[str]:
    """Common names and DNS names of the client's certificate, in the form that Python gives it."""
    peer: Any = connection.getpeercert() or {}
    parts = [pair for relative_name in peer.get("subject", ()) for pair in relative_name]
    common = {value for kind, value in parts if kind == "commonName"}
    return common | {value for kind, value in peer.get("subjectAltName", ()) if kind == "DNS"}


def _reason(error: OSError) -> str:
    return (error.reason or "not PEM") if isinstance(error, ssl.SSLError) else str(error.strerror)


def _no_pass_phrase() -> str:
    """Without this, OpenSSL would ask at the terminal, and wait."""
    raise _PassPhraseError
