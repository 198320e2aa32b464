"""A TCP balancer that learns late who serves, as a node's proxy learns of a Service's endpoints.

It is told the truth in whole lists and acts on each of them some seconds later, in their order: a
proxy that lags behind sees old states, never a later state before an earlier one. Connections that
exist stay where they are. Like a proxy in the kernel it tries one endpoint and no other, unless it
is asked to `redispatch`.
"""

import asyncio
import itertools
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_CHUNK = 65536
_AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: on, for no time


@dataclass(frozen=True, slots=True)
class Dial:
    """One new connection: when (monotonic), to which endpoint, and whether somebody was there."""

    at: float
    endpoint: str
    taken: bool


class Balancer:
    """`lateness` says in seconds how late the next list of endpoints becomes known."""

    def __init__(self, lateness: Callable[[], float]) -> None:
        self.lateness = lateness
        self.redispatch = False
        self.dials: list[Dial] = []
        self.open: Counter[str] = Counter()
        """Connections that exist, by endpoint."""
        self.address = ""
        self._endpoints: tuple[str, ...] = ()
        self._announced: deque[tuple[str, ...]] = deque()
        self._known_at = 0.0
        self._turn = itertools.count()
        self._pipes: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def start(self, endpoints: Sequence[str], host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, on a port of the kernel's choice for 0; the first endpoints are known at once."""
        self._loop = asyncio.get_running_loop()
        self._endpoints = tuple(endpoints)
        server = await asyncio.start_server(self._accept, host, port, backlog=1024)
        self.address = f"{host}:{server.sockets[0].getsockname()[1]}"
        self._server = server

    async def stop(self) -> None:
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._pipes)

    @property
    def known(self) -> tuple[str, ...]:
        """The endpoints that new connections go to."""
        return self._endpoints

    def announce(self, endpoints: Sequence[str]) -> None:
        """The whole truth as of now; callable from any thread."""
        self._loop.call_soon_threadsafe(self._learn_later, tuple(endpoints))

    def _learn_later(self, endpoints: tuple[str, ...]) -> None:
        self._known_at = max(self._loop.time() + self.lateness(), self._known_at)
        self._announced.append(endpoints)
        self._loop.call_at(self._known_at, self._learn_next)

    def _learn_next(self) -> None:
        """The oldest, whichever timer it was: those of a busy loop do not keep their order."""
        self._endpoints = self._announced.popleft()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a coroutine that runs is in one
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)
        found = await self._dial()
        if found is None:
            _reset(writer)
            return
        endpoint, back_reader, back_writer = found
        self.open[endpoint] += 1
        ends = {writer, back_writer}
        self._ends |= ends
        await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))
        for end in ends:
            end.close()  # what is still to be sent is sent
        self._ends -= ends
        self.open[endpoint] -= 1

    async def _dial(self) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Endpoints take turns; None when the one whose turn it is refuses."""
        for _ in range(len(self._endpoints) if self.redispatch else 1):
            if not self._endpoints:
                return None
            endpoint = self._endpoints[next(self._turn) % len(self._endpoints)]
            host, _, port = endpoint.rpartition(":")
            try:
                reader, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                self.dials.append(Dial(time.monotonic(), endpoint, taken=False))
                continue
            self.dials.append(Dial(time.monotonic(), endpoint, taken=True))
            return endpoint, reader, writer
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on bytes, the end of them, or a reset, as they come."""
    try:
        while data := await reader.read(_CHUNK):
            if writer.transport.is_closing():
                return
            writer.write(data)
            await writer.drain()
        if not writer.transport.is_closing():
            writer.write_eof()
    except OSError:
        _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close as a kernel does for a process that was killed, not as a server that has finished."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
