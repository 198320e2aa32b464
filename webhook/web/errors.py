"""Error answers. A caller learns what to do; a stack trace goes to the log only."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Send

from webhook.core import wording
from webhook.core.model import Violation
from webhook.web import wire

PROBLEM_TYPE = "application/problem+json"


async def send_text(send: Send, status: int, text: str) -> None:
    """A one-line answer for machines that only show it, such as the API server."""
    await wire.send_json(send, status, text.encode() + b"\n", content_type=b"text/plain; charset=utf-8")


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


async def http_exception(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, in the form of every other problem."""
    assert isinstance(error, HTTPException)
    sent = wording.quote(f"{request.method} {request.url.path}")
    headers = dict(error.headers) if error.headers else None
    return problem(
        error.status_code, f"{sent}: {HTTPStatus(error.status_code).phrase.lower()}", headers=headers
    )


async def gone(request: Request, error: Exception) -> Response:
    """Nobody is there to read it; this only keeps an everyday event out of the log of errors."""
    return Response(status_code=400)


async def too_slow(request: Request, error: Exception) -> Response:
    """408: the connection is of no more use, either."""
    detail = "the request did not arrive in time; send it whole at once"
    return problem(408, detail, headers={"Connection": "close"})


async def unexpected(request: Request, error: Exception) -> Response:
    """500: bland outside, the log has the rest (uvicorn logs the traceback)."""
    return PlainTextResponse("internal error, see the server's log\n", 500)
