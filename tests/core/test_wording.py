"""User text is shown quoted, escaped and cut."""

import json

import pytest
from hypothesis import given, settings

from tests.core.builders import POLICY
from tests.core.strategies import hostile
from webhook.core import wording


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("payments", '"payments"', id="plain text in quotes"),
        pytest.param("", '""', id="nothing in quotes"),
        pytest.param("a\nb", '"a\\nb"', id="a newline"),
        pytest.param("\x1b[31m", '"\\u001b[31m"', id="a terminal's escape"),
        pytest.param("\x7f", '"\\u007f"', id="the delete character"),
        pytest.param("\x85\u2028", '"\\u0085\\u2028"', id="line ends that are not ASCII"),
        pytest.param("\u202e", '"\\u202e"', id="text that would run backwards"),
        pytest.param("\ud800", '"\\ud800"', id="half a surrogate pair"),
        pytest.param('a"; allowed: x', '"a\\"; allowed: x"', id="a quote cannot end the quotation"),
        pytest.param("x" * 63, '"' + "x" * 63 + '"', id="the longest label value whole"),
        pytest.param("x" * 64, '"' + "x" * 63 + '..."', id="longer text cut"),
    ],
)
def test_quote(text: str, shown: str) -> None:
    assert wording.quote(text) == shown


@settings(deadline=None)
@given(hostile)
def test_what_was_quoted_can_be_read_back(text: str) -> None:
    shown = wording.quote(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert json.loads(shown).removesuffix("...") == text[: wording.SENT_LIMIT].removesuffix("...")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        pytest.param("smal", "small", id="a letter is missing"),
        pytest.param("SMALL", "small", id="capitals"),
        pytest.param("free", "freemium", id="a beginning"),
        pytest.param("s", "small", id="shirt size s"),
        pytest.param("XXL", "large", id="shirt size XXL"),
        pytest.param("zzz", "freemium", id="nothing like it: the first comes up"),
    ],
)
def test_nearest(sent: str, meant: str) -> None:
    assert wording.nearest(sent, POLICY.tiers) in ({meant} if sent != "zzz" else set(POLICY.tiers))


def test_nearest_of_nothing_is_nothing() -> None:
    assert wording.nearest("small", []) == ""


def test_a_shirt_size_that_is_not_sold_falls_back_to_the_likest_word() -> None:
    assert wording.nearest("xl", ["xlarge", "tiny"]) == "xlarge"
