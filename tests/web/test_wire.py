"""Bodies are read up to a limit and no further."""

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

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
