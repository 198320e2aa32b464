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


class Trickle:
    """A client that sends a byte now and then, without end, and reads its answer."""

    def __init__(self) -> None:
        self.answer: list[Message] = []

    async def receive(self) -> Message:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(self, message: Message) -> None:
        self.answer.append(message)


async def test_a_slow_sender_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.05)
    with pytest.raises(wire.SlowSenderError):
        await wire.read_body(Trickle().receive, limit=1_000_000)


@pytest.mark.parametrize("path", ["/mutate", "/validate"])
async def test_a_slow_sender_is_told_and_its_connection_closed(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.05)
    slow = Trickle()
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    await Admission().client.app(scope, slow.receive, slow.send)
    assert slow.answer[0]["status"] == 408
    assert (b"connection", b"close") in slow.answer[0]["headers"]
