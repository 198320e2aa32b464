"""Bodies and plain answers for raw ASGI endpoints."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

BODY_SECONDS = 10.0
"""How long a body may take to arrive: an API server sends it at once, a slow sender wants to hold us."""


class SlowSenderError(Exception):
    """The body has not arrived in time."""


def is_json(scope: Scope) -> bool:
    """Whether the request says it carries uncompressed JSON."""
    content_type = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.lower() != b"identity":
            return False
    return content_type.partition(b";")[0].strip().lower() == b"application/json"


async def read_body(receive: Receive, *, limit: int) -> bytes | None:
    """The whole body, or None as soon as it is longer than `limit` bytes.

    Raises ClientDisconnect when the caller went away in the middle: half a body is no body; and
    SlowSenderError when the body has not arrived whole within BODY_SECONDS.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")  # the ordinary case needs no timer
        return body if len(body) <= limit else None
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_on(message, receive, limit)
    except TimeoutError:
        raise SlowSenderError from None


async def _read_on(message: Message, receive: Receive, limit: int) -> bytes | None:
    parts: list[bytes] = []
    length = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        length += len(part)
        if length > limit:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


async def send_json(
    send: Send, status: int, body: bytes, *, content_type: bytes = b"application/json"
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
