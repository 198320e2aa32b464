"""The three Starlette applications, one per listener."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from webhook.web import errors


def build(routes: Sequence[Route]) -> Starlette:
    """An application with our error answers around `routes`."""
    handlers = {HTTPException: errors.http_exception, Exception: errors.unexpected}
    return Starlette(routes=list(routes), exception_handlers=handlers)
