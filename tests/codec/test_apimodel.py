"""Bodies of the self-service API."""

import pytest

from webhook.codec import apimodel
from webhook.core.model import NamespaceState

EXAMPLE = '; send for instance {"team": "payments", "tier": "small"}'


@pytest.mark.parametrize(
    ("body", "request_"),
    [
        pytest.param(b'{"team": "payments"}', apimodel.NamespaceRequest("payments"), id="a team"),
        pytest.param(
            b'{"tier": "l", "team": "a"}', apimodel.NamespaceRequest("a", "l"), id="a team and a tier"
        ),
        pytest.param(
            b'{"team": "a", "tier": null}', apimodel.NamespaceRequest("a"), id="a null tier is none"
        ),
    ],
)
def test_reads(body: bytes, request_: apimodel.NamespaceRequest) -> None:
    assert apimodel.decode_request(body) == request_


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "the body is empty", id="nothing"),
        pytest.param(b"team=payments", "JSON is malformed", id="a form"),
        pytest.param(b"[]", "Expected `object`, got `array`", id="a list"),
        pytest.param(b"{}", "Object missing required field `team`", id="no team"),
        pytest.param(b'{"team": null}', "Expected `str`, got `null` - at `$.team`", id="a null team"),
        pytest.param(b'{"team": 1}', "Expected `str`, got `int` - at `$.team`", id="a number for a team"),
        pytest.param(
            b'{"team": "a", "tier": []}',
            "Expected `str | null`, got `array` - at `$.tier`",
            id="a list for a tier",
        ),
        pytest.param(
            b'{"team": "a", "size": "s"}', "Object contains unknown field `size`", id="an unknown field"
        ),
        pytest.param(b"[" * 100_000, "Expected `object`, got `array`", id="deep nesting"),
    ],
)
def test_refuses(body: bytes, message: str) -> None:
    with pytest.raises(apimodel.MalformedRequestError) as refused:
        apimodel.decode_request(body)
    assert str(refused.value).startswith(message)
    assert str(refused.value).endswith(EXAMPLE)


@pytest.mark.parametrize("body", [b'{"team": "\xff"}', b'{"team": "\\ud800"}', b'{"\xff": 1}'])
def test_text_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(apimodel.MalformedRequestError):
        apimodel.decode_request(body)


@pytest.mark.parametrize("field", [b"x" * 60_000, b"\\u001b[31m"], ids=["long", "with control characters"])
def test_the_message_is_readable_whatever_was_sent(field: bytes) -> None:
    with pytest.raises(apimodel.MalformedRequestError) as refused:
        apimodel.decode_request(b'{"team": "a", "' + field + b'": 1}')
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


def test_the_namespace_that_is_asked_for() -> None:
    assert apimodel.NamespaceRequest("payments", "large").state("jane") == NamespaceState(
        {"platform/team": "payments", "platform/tier": "large"}, {"platform/requested-by": "jane"}
    )
    assert apimodel.NamespaceRequest("payments").state("jane").labels == {"platform/team": "payments"}
