"""Bodies are read up to a limit and no further."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from tests.web.builders import Admission
from webhook.web import wire

pytestmark = pytest.mark.anyio


class Wire:
    """A client that sends `parts` and counts how many were asked for."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    async def receive(self) -> Message:
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}


@pytest.mark.parametrize(
    "parts",
    [[b""], [b"abc"], [b"a", b"b", b"c"], [b"", b"abc", b""]],
    ids=["none", "one", "three", "empty ones"],
)
async def test_the_whole_body(parts: list[bytes]) -> None:
    assert await wire.read_body(Wire(*parts).receive, limit=3) == b"".join(parts)


async def test_reading_stops_at_the_limit() -> None:
    sender = Wire(*[b"ab"] * 100)
    assert await wire.read_body(sender.receive, limit=3) is None
    assert len(sender.parts) == 98


async def test_a_message_without_a_body_is_an_empty_one() -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    assert await wire.read_body(receive, limit=3) == b""


@pytest.mark.parametrize("before", [0, 2], ids=["at once", "in the middle"])
async def test_a_caller_who_goes_away_has_sent_no_body(before: int) -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": True}] * before
    messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(ClientDisconnect):
        await wire.read_body(receive, limit=100)


class Pieces:
    """A client that sends one piece each time it is asked to, and without end waits to be asked."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue()

    def send(self, length: int, *, more: bool = True) -> None:
        self._queue.put_nowait({"type": "http.request", "body": b"x" * length, "more_body": more})

    async def receive(self) -> Message:
        return await self._queue.get()


def _reading(pieces: Pieces, intake: wire.Intake) -> asyncio.Task[bytes | None]:
    return asyncio.create_task(wire.read_body(pieces.receive, limit=1000, intake=intake))


async def _settled() -> None:
    """Everybody has done what there is to do."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_when_there_is_no_room_the_one_that_takes_longest_gives_way() -> None:
    intake = wire.Intake(limit=100)
    slow, slower_still, quick = Pieces(), Pieces(), Pieces()
    tasks = []
    for pieces, length in ((slow, 60), (slower_still, 30)):
        tasks.append(_reading(pieces, intake))
        pieces.send(length)
        await _settled()
    tasks.append(_reading(quick, intake))
    quick.send(11)
    await _settled()
    assert [task.done() for task in tasks] == [True, False, False]
    with pytest.raises(wire.CrowdedError):
        tasks[0].result()
    quick.send(59, more=False)
    assert await tasks[2] == b"x" * 70
    slower_still.send(1, more=False)
    assert await tasks[1] == b"x" * 31


async def test_room_is_given_back_however_a_body_ends() -> None:
    intake = wire.Intake(limit=100)
    for _ in range(10):
        whole, endless, gone = Pieces(), Pieces(), Pieces()
        whole.send(90)
        whole.send(1, more=False)
        assert await _reading(whole, intake) == b"x" * 91
        endless.send(90)
        endless.send(1000)
        assert await _reading(endless, intake) is None
        gone.send(90)
        gone._queue.put_nowait({"type": "http.disconnect"})
        with pytest.raises(ClientDisconnect):
            await _reading(gone, intake)


async def test_one_that_takes_all_the_room_gives_way_to_nobody_but_itself() -> None:
    intake = wire.Intake(limit=100)
    greedy = Pieces()
    greedy.send(101)
    with pytest.raises(wire.CrowdedError):
        await _reading(greedy, intake)


async def test_a_body_that_came_at_once_needs_no_room() -> None:
    pieces = Pieces()
    pieces.send(1000, more=False)
    assert await _reading(pieces, wire.Intake(limit=0)) == b"x" * 1000


@pytest.mark.parametrize("path", ["/mutate", "/validate"])
async def test_who_gave_way_is_told_and_the_connection_closed(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "INTAKE_LIMIT", 10)
    pieces, answer = Pieces(), list[Message]()

    async def send(message: Message) -> None:
        answer.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    pieces.send(11)
    await Admission().app(scope, pieces.receive, send)
    assert answer[0]["status"] == 503
    assert (b"connection", b"close") in answer[0]["headers"]
