"""One table that turns answers of the API server into our errors, and says what is worth repeating."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp

from webhook.adapters.kube.serverclock import http_date
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    CredentialsRejectedError,
    ExpiredError,
    NotFoundError,
    RejectedError,
    TooLargeVersionError,
)

MESSAGE_LIMIT = 500
"""Characters of a server's text that we keep; the rest is of no use in a log line."""

RETRY_AFTER_LIMIT = 60.0
"""Seconds that we wait at a server's word: one that says ten years must not stop us."""

_PERMANENT_500 = "failed to create typed patch object"
"""A value of the wrong type in an apply is answered with 500, and always will be."""

_TERMINATING = "because it is being terminated"
"""A 403 that says no more than that the namespace is going. Any other is held against the request:
no right to it, or a quota of somebody else's that is used up."""

_TOO_LARGE_VERSION = "ResourceVersionTooLarge"
"""A cause of 504: this server's cache is behind the version that another one has told us."""

_BY_CODE: dict[int, type[ClusterError]] = {
    401: CredentialsRejectedError,
    404: NotFoundError,
    408: ClusterUnavailableError,
    409: ConflictError,
    410: ExpiredError,
    429: ClusterUnavailableError,
}
"""Of the rest, a 4xx is the request's fault. A redirect, which is never followed, is some proxy's, and
a 5xx passes, a webhook that could not be called included."""


def from_answer(
    code: int, body: bytes, retry_after: str | None = None, *, now: datetime | None = None
) -> ClusterError:
    """The error for an answer with status `code`. Only a Status object's text is kept whole.

    `retry_after` is the header of that name, `now` the server's time, which a date in it is set against.
    """
    status = _status(body)
    reason = str(status.get("reason") or "Unknown")
    message = str(status.get("message") or "")
    text = f"{code} {reason}: {message[:MESSAGE_LIMIT]}"
    kind = _kind(code, message, status)
    if issubclass(kind, ClusterUnavailableError):
        return kind(text, code=code, reason=reason, retry_after=seconds_asked(retry_after, now))
    return kind(text, code=code, reason=reason)


def from_network(error: aiohttp.ClientError | TimeoutError) -> ClusterUnavailableError:
    detail = str(error) or type(error).__name__
    return ClusterUnavailableError(f"the API server cannot be reached: {detail[:MESSAGE_LIMIT]}")


def seconds_asked(retry_after: str | None, now: datetime | None) -> float | None:
    """How long a Retry-After header asks us to wait, at most RETRY_AFTER_LIMIT; None when it says nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), RETRY_AFTER_LIMIT)
    moment = http_date(text)
    if moment is None or now is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), RETRY_AFTER_LIMIT)


def _kind(code: int, message: str, status: Mapping[str, Any]) -> type[ClusterError]:
    if code == 403 and _TERMINATING in message:
        return NotFoundError
    if code == 500 and _PERMANENT_500 in message:
        return RejectedError
    if code == 504 and _TOO_LARGE_VERSION in _causes(status):
        return TooLargeVersionError
    passing = code < 400 or code >= 500
    return _BY_CODE.get(code, ClusterUnavailableError if passing else RejectedError)


def _causes(status: Mapping[str, Any]) -> list[object]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [cause.get("reason") for cause in causes or () if isinstance(cause, dict)]


def _status(body: bytes) -> Mapping[str, Any]:
    """The Status object of an answer; for anything else one with a short piece of its text."""
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return status
    return {"message": body[:200].decode("utf-8", "replace")}
