"""Error answers. A caller learns what to do; a stack trace goes to the log only.

The admission pair and the side port answer in one line of text, which an API server shows as it is;
the self-service API answers with problems (RFC 9457).
"""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ExceptionHandler, Send

from webhook.core import wording
from webhook.core.model import Violation
from webhook.web import wire

PROBLEM_TYPE = "application/problem+json"
INTERNAL_ERROR = "internal error, see the server's log"
CROWDED = "too much is arriving at once; send it again"

_TEXT_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"connection", b"close"),  # of whoever sent this, nothing else is read
)


async def send_text(send: Send, status: int, text: str) -> None:
    """A one-line answer that ends the connection."""
    await wire.send_answer(send, status, text.encode() + b"\n", _TEXT_HEADERS)


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field of a request: RFC 9457 extension `errors[]`."""

    pointer: str
    rule: str
    detail: str
    allowed: str
    suggestion: str


def field_error(violation: Violation, pointer: str) -> FieldError:
    return FieldError(
        pointer=pointer,
        rule=violation.rule,
        detail=violation.sent,
        allowed=violation.allowed,
        suggestion=violation.suggestion,
    )


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """An `application/problem+json` answer (RFC 9457)."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **({"errors": list(errors)} if errors else {}),
    }
    return Response(msgspec.json.encode(content) + b"\n", status, headers, media_type=PROBLEM_TYPE)


async def _routing_problem(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, in the form of every other problem."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, _refusal(request, error), headers=dict(error.headers or {}))


async def _routing_text(request: Request, error: Exception) -> Response:
    """404 and 405 of the router."""
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {}), "Connection": "close"}
    return PlainTextResponse(_refusal(request, error) + "\n", error.status_code, headers)


def _refusal(request: Request, error: HTTPException) -> str:
    sent = wording.quote(f"{request.method} {request.url.path}")
    return f"{sent}: {HTTPStatus(error.status_code).phrase.lower()}"


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody is there to read it; this only keeps an everyday event out of the log of errors."""
    return Response(status_code=400)


async def _crowded(request: Request, error: Exception) -> Response:
    return PlainTextResponse(CROWDED + "\n", 503, {"Connection": "close"})


async def _unexpected(request: Request, error: Exception) -> Response:
    """500: bland outside, the log has the rest (uvicorn logs the traceback)."""
    return PlainTextResponse(INTERNAL_ERROR + "\n", 500, {"Connection": "close"})


_COMMON: dict[type[Exception], ExceptionHandler] = {
    ClientDisconnect: _gone,
    wire.CrowdedError: _crowded,
    Exception: _unexpected,
}

AS_TEXT = {**_COMMON, HTTPException: _routing_text}
AS_PROBLEMS = {**_COMMON, HTTPException: _routing_problem}
