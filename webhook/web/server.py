"""One listener: a bound socket with an application behind it, on uvicorn's HTTP implementation.

Connections are accepted here and not by the event loop's own server, so that those in their
handshake are counted, too, and an accept that fails does not end the listener.
"""

import asyncio
import contextlib
import email.utils
import errno
import os
import resource
import socket
import ssl
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from webhook.core.errors import NsProvisionerError
from webhook.web import traffic
from webhook.web.protocol import Admits, Connection, Refused
from webhook.web.traffic import Traffic

KEEP_ALIVE_SECONDS = 120
"""Longer than the API server keeps an idle connection (about 90 s), so that it is always the one to
close and never writes into a connection that we are closing."""

HANDSHAKE_SECONDS = 10.0

FAREWELL_SECONDS = 0.25
"""How long a peer may take to close its end; what it still sends meanwhile is thrown away."""

GRACE_SECONDS = 10.0
"""From `stop` to the end, within which requests in hand are answered."""

SETTLE_SECONDS = 0.01
"""A few rounds of the event loop, in which it closes the sockets that it was told to close."""

ACCEPT_PAUSE_SECONDS = 0.01
"""After an accept that failed: most probably there were no file descriptors left."""

OTHER_FILES = 64
"""Open files that are kept for everything but connections."""

BACKLOG = 2048


class ListenError(NsProvisionerError):
    """The address cannot be bound; the text says why and what to change."""


class Listener:
    """Binds at once, so that a port that is taken is known before anything else starts.

    Stopped, it goes on answering until nobody has come or asked for `quiet` seconds, so that whoever
    learns late that it is going finds it still there; `grace` seconds after the stop all is over.
    `tls` gives the context of each new connection, `admits` decides on who came through its handshake,
    and `refused` is told why a connection is closed unserved.
    """

    def __init__(
        self,
        app: Starlette,
        host: str,
        port: int,
        *,
        flag: str,
        tls: Callable[[], ssl.SSLContext] | None = None,
        admits: Admits | None = None,
        refused: Refused = lambda reason: None,
        quiet: float = 0.0,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._socket = _bind(host, port, flag)
        self.port: int = self._socket.getsockname()[1]
        self._tls = tls
        self._admits = admits
        self._refused = refused
        self._quiet = quiet
        self._grace = grace
        self._config = _config(app)
        self._state = ServerState()
        self._traffic = Traffic(_connections_limit())
        self._stopping = asyncio.Event()
        self._serving = False

    def unready(self) -> str | None:
        """For the readiness probe."""
        if self._stopping.is_set():
            return "draining"
        return None if self._serving else "not serving"

    async def run(self) -> None:
        """Serve until `stop`, and then on until it is quiet and what is in hand is answered."""
        self._config.load()
        try:
            async with asyncio.TaskGroup() as group:
                serving = [group.create_task(self._accept()), group.create_task(self._tell_the_date())]
                self._serving = True
                await self._stopping.wait()
                end = asyncio.get_running_loop().time() + self._grace
                await self._wait_for_quiet(end - FAREWELL_SECONDS)
                for task in serving:
                    task.cancel()
        finally:
            self._socket.close()
        await self._part(end)

    def stop(self, *, at_once: bool = False) -> None:
        """End; `at_once` is without waiting for quiet."""
        if at_once:
            self._quiet = 0.0
        self._stopping.set()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._socket)
            except OSError:
                self._traffic.make_room()
                await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                continue
            connection = Connection(
                self._config, self._state, self._traffic, admits=self._admits, refused=self._refused
            )
            self._traffic.came(connection)
            connection.handshake = asyncio.create_task(self._connect(connection, accepted))

    async def _connect(self, connection: Connection, accepted: socket.socket) -> None:
        """Hand an accepted socket to the event loop, through its TLS handshake."""
        loop = asyncio.get_running_loop()
        try:
            if self._tls is None:
                await loop.connect_accepted_socket(lambda: connection, accepted)
            else:
                await loop.connect_accepted_socket(
                    lambda: connection,
                    accepted,
                    ssl=self._tls(),
                    ssl_handshake_timeout=HANDSHAKE_SECONDS,
                    ssl_shutdown_timeout=FAREWELL_SECONDS,
                )
        except OSError:  # TLS errors and time-outs are among them
            self._refused("handshake")
            self._traffic.left(connection)
        except asyncio.CancelledError:  # it had to give way, or we are ending
            self._traffic.left(connection)
        finally:
            connection.handshake = None

    async def _tell_the_date(self) -> None:
        """HTTP wants every answer dated; formatting it once a second is enough."""
        while True:
            date = email.utils.formatdate(usegmt=True).encode()
            self._state.default_headers = [(b"date", date)]
            await asyncio.sleep(1)

    async def _wait_for_quiet(self, latest: float) -> None:
        """Until nobody has come or asked for the quiet period; `latest` is in the loop's time."""
        self._traffic.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(latest):
                await self._traffic.quiet(self._quiet)

    async def _part(self, end: float) -> None:
        """Close idle connections and let the others have their answers, but only until `end`."""
        self._traffic.dismiss()
        try:
            async with asyncio.timeout_at(end):
                await self._traffic.empty()
        except TimeoutError:
            for task in self._state.tasks:
                task.cancel()
            self._traffic.cut_off()
            await self._traffic.empty()
        await asyncio.sleep(SETTLE_SECONDS)


def raise_file_limit() -> None:
    """As many open files as the system grants: each connection is one, and shells grant few at first."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # not every system grants what it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _connections_limit() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return traffic.CONNECTIONS_LIMIT
    return min(traffic.CONNECTIONS_LIMIT, max(files - OTHER_FILES, OTHER_FILES))


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody's header makes an identity or an address here
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


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
