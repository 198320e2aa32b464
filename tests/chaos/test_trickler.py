"""One byte at a time, in each part of a request, until the server has had enough."""

import asyncio
import contextlib
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.controller.support import until
from tools.chaos import trickler
from tools.chaos.fleet import ROOT
from tools.chaos.reviews import Connection
from tools.controlplane import waiting
from tools.controlplane.process import Process
from webhook.adapters import pki


class Listener:
    """Takes connections and reads what comes, in the pieces in which it comes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.over = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(100):
                self.pieces.append(piece)
        writer.transport.abort()
        self.over = True


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Listener, Connection]]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    yield listener, Connection(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    await until(lambda: listener.over, "the connection to be closed")
    server.close()


@pytest.mark.anyio
async def test_bytes_come_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trickler, "BYTE_SECONDS", 0.02)
    async with connected() as (listener, connection):
        await trickler.trickle(connection, b"slow")
        await until(lambda: listener.pieces == [b"s", b"l", b"o", b"w"], "four single bytes")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 408 X\r\n\r\n", b""], ids=["an answer", "the end"])
@pytest.mark.anyio
async def test_it_stops_at_what_the_server_does(answer: bytes) -> None:
    async with connected() as (listener, connection):
        trickling = asyncio.create_task(trickler.trickle(connection, b"x" * 1000))
        await until(lambda: listener.pieces, "a first byte")
        listener.writers[0].write(answer)
        listener.writers[0].close()
        await asyncio.wait_for(trickling, 10)


@pytest.fixture
def impatient() -> Iterator[str]:
    """The address of a server that ends every connection at its first byte, also in a TLS handshake."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
    thread.join()
    server.close()


def test_the_process_comes_back_when_it_is_closed_or_refused(impatient: str, tmp_path: Path) -> None:
    ca_file, _, _ = pki.make_pair(tmp_path, ["127.0.0.1"])
    argv = [sys.executable, "-m", "tools.chaos.trickler", impatient, str(ca_file), "3"]
    process = Process.spawn("trickler", argv, log=tmp_path / "log", cwd=ROOT)

    def came_back() -> bool:
        lines = [line for line in process.tail(2).splitlines() if line.endswith("}")]
        said: Any = json.loads(lines[-1]) if lines else {"opened": 0}
        closed = said.get("closed", {}).get("handshake", 0)
        return bool(closed >= 1 and said["opened"] >= 2 and said["refused"] >= 2)

    try:
        waiting.until(came_back, "a second try", [process], limit=30)
    finally:
        process.stop(grace=0)
