"""Bodies and plain answers for raw ASGI endpoints."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send


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

    Raises ClientDisconnect when the caller went away in the middle: half a body is no body.
    """
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        length += len(part)
        if length > limit:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def send_json(
    send: Send, status: int, body: bytes, *, content_type: bytes = b"application/json"
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
