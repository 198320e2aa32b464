"""Every answer of an API server becomes the one error that says what to do about it."""

import json

import aiohttp
import pytest

from tests.adapters.kube.faults import status
from webhook.adapters.kube import errors
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    RejectedError,
)

WEBHOOK_DOWN = 'Internal error occurred: failed calling webhook "x.y.io": connection refused'
TYPED_PATCH = "failed to create typed patch object (/; /v1, Kind=ConfigMap): .data.a: expected string, got 1"
NETWORK_POLICY_TYPED_PATCH = f"Internal error occurred: {TYPED_PATCH}"


@pytest.mark.parametrize(
    ("code", "reason", "message", "expected"),
    [
        pytest.param(400, "BadRequest", "name must be provided", RejectedError, id="400 bad request"),
        pytest.param(401, "Unauthorized", "Unauthorized", RejectedError, id="401 unauthorized"),
        pytest.param(403, "Forbidden", "cannot patch", RejectedError, id="403 forbidden"),
        pytest.param(404, "NotFound", "not found", NotFoundError, id="404 not found"),
        pytest.param(405, "MethodNotAllowed", "not allowed", RejectedError, id="405 wrong method"),
        pytest.param(409, "AlreadyExists", "exists", ConflictError, id="409 already exists"),
        pytest.param(409, "Conflict", "has been modified", ConflictError, id="409 changed meanwhile"),
        pytest.param(410, "Expired", "too old", ExpiredError, id="410 expired"),
        pytest.param(410, "Gone", "too old", ExpiredError, id="410 gone"),
        pytest.param(413, "RequestEntityTooLarge", "too large", RejectedError, id="413 too large"),
        pytest.param(415, "UnsupportedMediaType", "no", RejectedError, id="415 media type"),
        pytest.param(422, "Invalid", "roleRef: immutable", RejectedError, id="422 invalid"),
        pytest.param(429, "TooManyRequests", "slow down", ClusterUnavailableError, id="429 too many"),
        pytest.param(500, "InternalError", "etcd", ClusterUnavailableError, id="500 of any kind"),
        pytest.param(500, "InternalError", WEBHOOK_DOWN, ClusterUnavailableError, id="500 webhook down"),
        pytest.param(500, "InternalError", TYPED_PATCH, RejectedError, id="500 value of a wrong type"),
        pytest.param(
            500, "InternalError", NETWORK_POLICY_TYPED_PATCH, RejectedError, id="500 the same, wrapped"
        ),
        pytest.param(502, "", "", ClusterUnavailableError, id="502"),
        pytest.param(503, "ServiceUnavailable", "", ClusterUnavailableError, id="503"),
        pytest.param(504, "Timeout", "", ClusterUnavailableError, id="504"),
    ],
)
def test_the_class_of(code: int, reason: str, message: str, expected: type[ClusterError]) -> None:
    error = errors.from_answer(code, json.dumps(status(code, reason, message)).encode())
    assert type(error) is expected
    assert (error.code, error.reason) == (code, reason or "Unknown")
    assert str(error) == f"{code} {reason or 'Unknown'}: {message}"


def test_a_write_into_a_namespace_that_is_being_terminated_is_not_held_against_the_object() -> None:
    """It would become the condition Rejected, written to a namespace that gets no writes."""
    message = (
        'resourcequotas "default" is forbidden: unable to create new content in namespace payments '
        "because it is being terminated"
    )
    causes = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}
    body = json.dumps(status(403, "Forbidden", message, details=causes)).encode()
    assert not isinstance(errors.from_answer(403, body), RejectedError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param(None, None, id="no header"),
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", None, id="a date is ignored"),
        pytest.param("-5", None, id="a negative number is ignored"),
        pytest.param("1e9", None, id="an exponent is ignored"),
        pytest.param("", None, id="an empty header is ignored"),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    error = errors.from_answer(429, b"", header)
    assert isinstance(error, ClusterUnavailableError)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>" + b"x" * 10_000, id="a page of HTML"),
        pytest.param(b"\xff\xfe" * 5_000, id="bytes that are no text"),
        pytest.param(b"[" * 100_000, id="JSON nested beyond measure"),
        pytest.param(b"[1, 2]", id="JSON that is no object"),
        pytest.param(b'{"kind": "Secret", "data": {"password": "x"}}', id="an object that is no Status"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_of_a_body_that_is_no_status_a_short_piece_is_kept(body: bytes) -> None:
    error = errors.from_answer(503, body)
    assert type(error) is ClusterUnavailableError
    assert str(error).startswith("503 Unknown: ")
    assert len(str(error)) <= 250


def test_a_long_message_of_a_status_is_cut() -> None:
    error = errors.from_answer(422, json.dumps(status(422, "Invalid", "x" * 10_000)).encode())
    assert len(str(error)) == len("422 Invalid: ") + errors.MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        pytest.param(TimeoutError(), "TimeoutError", id="an error without a text"),
        pytest.param(aiohttp.ClientPayloadError("cut"), "cut", id="an error with one"),
    ],
)
def test_network_trouble_is_passing(error: aiohttp.ClientError | TimeoutError, detail: str) -> None:
    found = errors.from_network(error)
    assert str(found) == f"the API server cannot be reached: {detail}"
    assert (found.code, found.reason, found.retry_after) == (0, "", None)
