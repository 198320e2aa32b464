"""A Starlette application with our error answers."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from webhook.web import errors, wire


def build(routes: Sequence[Route]) -> Starlette:
    """The application of one listener."""
    handlers = {
        HTTPException: errors.http_exception,
        ClientDisconnect: errors.gone,
        wire.SlowSenderError: errors.too_slow,
        Exception: errors.unexpected,
    }
    application = Starlette(routes=list(routes), exception_handlers=handlers)
    application.router.redirect_slashes = False  # an API server follows redirects: never send one
    return application
