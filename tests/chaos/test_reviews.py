"""A review counts as good only when the whole good answer has come in time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.controller.support import until
from tools.chaos import reviews
from tools.chaos.reviews import Reviews, Target
from webhook.adapters import pki, tls

Answer = Callable[[asyncio.StreamWriter, str], Awaitable[None]]


def answer(writer: asyncio.StreamWriter, status: int, response: dict[str, Any]) -> None:
    body = json.dumps({"response": response}).encode()
    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


async def good(writer: asyncio.StreamWriter, uid: str) -> None:
    answer(writer, 200, {"uid": uid, "allowed": True})


async def denied(writer: asyncio.StreamWriter, uid: str) -> None:
    answer(writer, 200, {"uid": uid, "allowed": False})


async def another(writer: asyncio.StreamWriter, uid: str) -> None:
    answer(writer, 200, {"uid": "another", "allowed": True})


async def error(writer: asyncio.StreamWriter, uid: str) -> None:
    answer(writer, 500, {"uid": uid, "allowed": True})


async def closed(writer: asyncio.StreamWriter, uid: str) -> None:
    writer.transport.abort()


async def silent(writer: asyncio.StreamWriter, uid: str) -> None:
    pass


async def cut(writer: asyncio.StreamWriter, uid: str) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    writer.close()


class Server:
    """Answers each review as it is told, over TLS."""

    def __init__(self, folder: Path, behave: Answer) -> None:
        self.ca_file, certificate, key = pki.make_pair(folder, ["127.0.0.1"])
        self._tls = tls.server_context(certificate, key)
        self._behave = behave
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                review = json.loads(await reader.readexactly(length))
                await self._behave(writer, review["request"]["uid"])
        except (OSError, EOFError):
            writer.transport.abort()

    @property
    def connections(self) -> int:
        return len(self._writers)


async def load(address: str, ca_file: Path, *, fresh: bool, count: int = 5) -> Reviews:
    made = Reviews(Target.at(address, ca_file), rate=500, fresh=fresh)

    running = asyncio.create_task(made.run())
    await until(lambda: made.pace.started >= count, "enough reviews to be sent")
    made.pace.stop()
    await running
    return made


@pytest.mark.parametrize("fresh", [True, False], ids=["new connections", "kept connections"])
@pytest.mark.anyio
async def test_good_answers_are_no_failures(tmp_path: Path, fresh: bool) -> None:
    server = Server(tmp_path, good)
    async with server as address:
        made = await load(address, server.ca_file, fresh=fresh, count=50)
    assert made.failures == []
    assert len(made.seconds) == made.pace.started >= 50
    assert (server.connections == made.pace.started) == fresh


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        pytest.param(denied, "ReviewError", id="a denial"),
        pytest.param(another, "ReviewError", id="the answer to another review"),
        pytest.param(error, "ReviewError: status 500", id="an error"),
        pytest.param(closed, "", id="a connection closed without an answer"),
        pytest.param(cut, "IncompleteReadError", id="half an answer"),
        pytest.param(silent, "TimeoutError", id="no answer in time"),
    ],
)
@pytest.mark.anyio
async def test_anything_else_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behave: Answer, said: str
) -> None:
    monkeypatch.setattr(reviews, "LIMIT_SECONDS", 0.3)
    server = Server(tmp_path, behave)
    async with server as address:
        made = await load(address, server.ca_file, fresh=True)
    assert len(made.failures) == made.pace.started
    assert all(failure.startswith(said) for failure in made.failures), made.failures


@pytest.mark.anyio
async def test_a_certificate_of_somebody_else_is_a_failure(tmp_path: Path) -> None:
    stranger, _, _ = pki.make_pair(tmp_path / "stranger", ["127.0.0.1"])
    async with Server(tmp_path, good) as address:
        made = await load(address, stranger, fresh=True)
    assert len(made.failures) == made.pace.started
    assert "CERTIFICATE_VERIFY_FAILED" in made.failures[0]


@pytest.mark.anyio
async def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    server = Server(tmp_path, good)
    async with server as address:
        pass
    made = await load(address, server.ca_file, fresh=True)
    assert len(made.failures) == made.pace.started
