"""Bearer tokens (RFC 6750): who is calling the API."""

from starlette.requests import Request

from webhook import ports
from webhook.core.model import Caller


def caller(request: Request, tokens: ports.TokenVerifier) -> Caller | None:
    """The caller, or None when there is no single, well-formed, known bearer token."""
    headers = request.headers.getlist("authorization")
    if len(headers) != 1:
        return None
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token or token != token.strip():
        return None
    return tokens.verify(token)
