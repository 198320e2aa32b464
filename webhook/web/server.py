"""One listener: a bound socket with an application behind it, on uvicorn."""

import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from webhook.core.errors import NsProvisionerError

KEEP_ALIVE_SECONDS = 120
"""Longer than the API server keeps an idle connection (about 90 s), so that it is always the one to
close and never writes into a connection that we are closing."""

GRACE_SECONDS = 10
"""On shutdown, how long requests in hand may take."""

BACKLOG = 2048


class ListenError(NsProvisionerError):
    """The address cannot be bound; the text says why and what to change."""


class Listener:
    """Binds at once, so that a port that is taken is known before anything else starts."""

    def __init__(
        self, app: Starlette, host: str, port: int, *, flag: str, tls: ssl.SSLContext | None = None
    ) -> None:
        self._socket = _bind(host, port, flag)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody's header makes an identity or an address here
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_context_factory=(lambda *_: tls) if tls is not None else None,
        )
        self._server = _Server(config)

    @property
    def started(self) -> bool:
        return self._server.started and not self._server.should_exit

    async def run(self) -> None:
        """Serve until `stop`, then answer what is in hand."""
        await self._server.serve([self._socket])

    def stop(self) -> None:
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Signals belong to the process, not to one of its listeners."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        hint = "another program has the port; " if error.errno == errno.EADDRINUSE else ""
        reason = "no such host" if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ListenError(
            f"cannot listen on {host}:{port}: {reason}; {hint}choose another with {flag}"
        ) from error
    bound.setblocking(False)
    return bound
