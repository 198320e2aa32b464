"""A Starlette application with our error answers."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import Route

from webhook.web import errors


def build(routes: Sequence[Route], *, problems: bool = False) -> Starlette:
    """The application of one listener; its errors are lines of text, or problems (RFC 9457)."""
    handlers = errors.AS_PROBLEMS if problems else errors.AS_TEXT
    application = Starlette(routes=list(routes), exception_handlers=handlers)
    application.router.redirect_slashes = False  # an API server follows redirects: never send one
    return application
