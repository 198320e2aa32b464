"""Bodies and plain answers for raw ASGI endpoints. How long a body may take is the connection's matter."""

import asyncio
from collections.abc import Sequence

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

INTAKE_LIMIT = 32 * 1024 * 1024
"""Bytes of all bodies that are arriving in pieces, together: room for four of the largest."""

JSON_TYPE = (b"content-type", b"application/json")


class CrowdedError(Exception):
    """Too much is arriving at once, and this body has been at it longest."""


class Intake:
    """The memory that bodies take together while they arrive in pieces.

    When there is no room left, the one that has been arriving longest gives way: an honest sender
    sends at once, so that is whoever only wants to hold us up.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._held: dict[asyncio.Timeout, int] = {}  # in the order in which they began

    def add(self, patience: asyncio.Timeout, length: int) -> None:
        """Account for a piece of `length` bytes. Whoever gives way has its `patience` ended."""
        self._held[patience] = self._held.get(patience, 0) + length
        self._taken += length
        while self._taken > self._limit:
            longest = next(iter(self._held))
            self.release(longest)
            longest.reschedule(0)

    def release(self, patience: asyncio.Timeout) -> None:
        self._taken -= self._held.pop(patience, 0)


def is_json(scope: Scope) -> bool:
    """Whether the request says it carries uncompressed JSON."""
    content_type = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.lower() != b"identity":
            return False
    return content_type.partition(b";")[0].strip().lower() == b"application/json"


def declared_length(scope: Scope) -> int:
    """Bytes of the body as announced (the parser takes digits only); 0 when nothing is."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


async def read_body(receive: Receive, *, limit: int, intake: Intake | None = None) -> bytes | None:
    """The whole body, or None as soon as it is longer than `limit` bytes.

    Raises ClientDisconnect when the caller went away in the middle: half a body is no body; and
    CrowdedError when others need the room in `intake` more.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")  # the ordinary case: it came at once
        return body if len(body) <= limit else None
    try:
        async with asyncio.timeout(None) as patience:
            return await _read_on(message, receive, limit, intake or Intake(limit), patience)
    except TimeoutError:
        raise CrowdedError from None


async def _read_on(
    message: Message, receive: Receive, limit: int, intake: Intake, patience: asyncio.Timeout
) -> bytes | None:
    parts: list[bytes] = []
    length = 0
    try:
        while True:
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            length += len(part)
            if length > limit:
                return None
            intake.add(patience, len(part))
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)
            message = await receive()
    finally:
        intake.release(patience)


async def send_answer(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (JSON_TYPE,)
) -> None:
    """A whole answer; its length is added."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
