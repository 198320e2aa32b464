"""Every answer of an API server becomes the one error that says what to do about it."""

import json
from datetime import UTC, datetime

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.kube.faults import status
from webhook.adapters.kube import errors
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

WEBHOOK_DOWN = 'Internal error occurred: failed calling webhook "x.y.io": connection refused'
QUOTA_USED_UP = "exceeded quota: other, requested: count/roles=1, used: count/roles=3, limited: count/roles=3"
BEYOND_LIMIT = "maximum cpu usage per Container is 1, but limit is 2"
TERMINATING = (
    'resourcequotas "default" is forbidden: unable to create new content in namespace payments '
    "because it is being terminated"
)
TYPED_PATCH = "failed to create typed patch object (/; /v1, Kind=ConfigMap): .data.a: expected string, got 1"
NETWORK_POLICY_TYPED_PATCH = f"Internal error occurred: {TYPED_PATCH}"


@pytest.mark.parametrize(
    ("code", "reason", "message", "expected"),
    [
        pytest.param(400, "BadRequest", "name must be provided", RejectedError, id="400 bad request"),
        pytest.param(302, "", "to the login page", ClusterUnavailableError, id="302 of a proxy"),
        pytest.param(304, "", "", ClusterUnavailableError, id="304 though nothing was cached"),
        pytest.param(401, "Unauthorized", "Unauthorized", CredentialsRejectedError, id="401 unauthorized"),
        pytest.param(403, "Forbidden", "cannot patch", RejectedError, id="403 forbidden"),
        pytest.param(403, "Forbidden", QUOTA_USED_UP, RejectedError, id="403 a quota is used up"),
        pytest.param(403, "Forbidden", BEYOND_LIMIT, RejectedError, id="403 beyond a limit range"),
        pytest.param(403, "Forbidden", TERMINATING, NotFoundError, id="403 the namespace is going"),
        pytest.param(404, "NotFound", "not found", NotFoundError, id="404 not found"),
        pytest.param(405, "MethodNotAllowed", "not allowed", RejectedError, id="405 wrong method"),
        pytest.param(408, "Timeout", "", ClusterUnavailableError, id="408 the request came too slowly"),
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
        pytest.param(501, "NotImplemented", TYPED_PATCH, ClusterUnavailableError, id="501, whatever it says"),
        pytest.param(503, "ServiceUnavailable", WEBHOOK_DOWN, ClusterUnavailableError, id="503 webhook down"),
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


TOO_LARGE = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        pytest.param(TOO_LARGE, TooLargeVersionError, id="says so in a cause"),
        pytest.param({"causes": [{"reason": "Other"}]}, ClusterUnavailableError, id="has another cause"),
        pytest.param({"causes": ["x", None]}, ClusterUnavailableError, id="has causes that are none"),
        pytest.param({"causes": None}, ClusterUnavailableError, id="has null for causes"),
        pytest.param({"retryAfterSeconds": 1}, ClusterUnavailableError, id="has details without causes"),
        pytest.param("x", ClusterUnavailableError, id="has details that are none"),
    ],
)
def test_504_is_about_a_version_where_it(details: object, expected: type[ClusterError]) -> None:
    body = json.dumps(status(504, "Timeout", "x", details=details)).encode()
    error = errors.from_answer(504, body, "1")
    assert type(error) is expected
    assert isinstance(error, ClusterUnavailableError)
    assert error.retry_after == 1


NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param(None, None, id="no header"),
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 7 ", 7.0, id="seconds and spaces"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("60", 60.0, id="the longest that is waited"),
        pytest.param("315360000", 60.0, id="ten years are cut"),
        pytest.param("9" * 5000, 60.0, id="more than a number can be is cut"),
        pytest.param("Sun, 01 Mar 2026 12:00:07 GMT", 7.0, id="a date"),
        pytest.param("Sun, 01 Mar 2026 11:00:00 GMT", 0.0, id="a date that is over"),
        pytest.param("Sun, 01 Mar 2036 12:00:00 GMT", 60.0, id="a date in ten years is cut"),
        pytest.param("-5", None, id="a negative number is ignored"),
        pytest.param("1e9", None, id="an exponent is ignored"),
        pytest.param("\u0667", None, id="digits of another script are ignored"),
        pytest.param("soon", None, id="a word is ignored"),
        pytest.param("", None, id="an empty header is ignored"),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    error = errors.from_answer(429, b"", header, now=NOON)
    assert isinstance(error, ClusterUnavailableError)
    assert error.retry_after == seconds


def test_a_date_means_nothing_to_who_does_not_know_the_server_s_time() -> None:
    assert errors.seconds_asked("Sun, 01 Mar 2026 12:00:07 GMT", None) is None


@given(header=st.text(max_size=40), now=st.none() | st.datetimes(timezones=st.just(UTC)))
def test_no_header_is_an_error_or_makes_us_wait_for_long(header: str, now: datetime | None) -> None:
    seconds = errors.seconds_asked(header, now)
    assert seconds is None or 0 <= seconds <= errors.RETRY_AFTER_LIMIT


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
