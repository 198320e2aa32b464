"""One table that turns answers of the API server into our errors, and says what is worth repeating."""

import json

import aiohttp

from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    RejectedError,
)

MESSAGE_LIMIT = 500
"""Characters of a server's text that we keep; the rest is of no use in a log line."""

_PERMANENT_500 = "failed to create typed patch object"
"""A value of the wrong type in an apply is answered with 500, and always will be."""

_TERMINATING = "because it is being terminated"
"""A 403 that says no more than that the namespace is going."""

_BY_CODE: dict[int, type[ClusterError]] = {404: NotFoundError, 409: ConflictError, 410: ExpiredError}


def from_answer(code: int, body: bytes, retry_after: str | None = None) -> ClusterError:
    """The error for an answer with status `code`. Only a Status object's text is kept whole."""
    reason, message = _status(body)
    text = f"{code} {reason}: {message[:MESSAGE_LIMIT]}"
    if code == 403 and _TERMINATING in message:
        return NotFoundError(text, code=code, reason=reason)
    if code == 429 or (code >= 500 and _PERMANENT_500 not in message):
        seconds = float(retry_after) if retry_after and retry_after.isdecimal() else None
        return ClusterUnavailableError(text, code=code, reason=reason, retry_after=seconds)
    return _BY_CODE.get(code, RejectedError)(text, code=code, reason=reason)


def from_network(error: aiohttp.ClientError | TimeoutError) -> ClusterUnavailableError:
    detail = str(error) or type(error).__name__
    return ClusterUnavailableError(f"the API server cannot be reached: {detail[:MESSAGE_LIMIT]}")


def _status(body: bytes) -> tuple[str, str]:
    """Reason and message of a Status object; of anything else, a short piece of its text."""
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return str(status.get("reason") or "Unknown"), str(status.get("message") or "")
    return "Unknown", body[:200].decode("utf-8", "replace")
