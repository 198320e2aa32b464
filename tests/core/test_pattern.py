"""Patterns of the catalogue: in full, in linear time, and never an error."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.builders import facts, policy, rules
from tests.core.strategies import hostile
from webhook.core import labels
from webhook.core.pattern import InvalidPatternError, Pattern

CATASTROPHIC = ["([a-z0-9]+-?)+", "(a+)+", "(a|aa)+", "(a|a?)+", "(.*)*", "(([a-z])+.)+[A-Z]([a-z])+"]
"""Python's `re` needs seconds to centuries for these on a text that nearly matches."""


def _seconds(pattern: Pattern, text: str) -> float:
    """The quickest of several times: the others measure the machine."""
    times = []
    for _ in range(20):
        began = time.perf_counter()
        pattern.matches(text)
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.mark.parametrize("text", CATASTROPHIC)
def test_the_longest_name_takes_less_than_a_millisecond(text: str) -> None:
    pattern = Pattern(text)
    for name in ("a" * 252 + "!", "a" * 253, "a-" * 126 + "!", "a1-" * 84 + "!"):
        assert _seconds(pattern, name) < 0.001


def test_time_grows_with_the_text_and_no_faster() -> None:
    pattern = Pattern("([a-z0-9]+-?)+")
    short, long = (_seconds(pattern, "a" * length + "!") for length in (10_000, 100_000))
    assert long < 40 * short


@pytest.mark.parametrize(
    "text",
    ["a" * 10**6, "a" * 10**6 + "!", "\ud800" * 10**6, "é" * 10**6, "\0" * 10**6],
    ids=lambda text: ascii(text[0]),
)
def test_a_million_characters_are_answered(text: str) -> None:
    began = time.perf_counter()
    assert Pattern("([a-z0-9]+-?)+").matches(text) is (set(text) == {"a"})
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        pytest.param("[a-z]+", "abc", True, id="the whole text"),
        pytest.param("[a-z]+", "abc1", False, id="not a beginning"),
        pytest.param("[a-z]+", "1abc", False, id="not an end"),
        pytest.param("a|ab", "ab", True, id="the second of two ways"),
        pytest.param("^[a-z]+$", "abc\n", False, id="not with a newline behind"),
        pytest.param("(?m)^[a-z]+$", "abc\nabc", False, id="not a line of several"),
        pytest.param("(?s).*", "a\nb", True, id="a dot that means everything"),
        pytest.param(".*", "a\nb", False, id="a dot that means all but a newline"),
        pytest.param("(?i)ABC", "abc", True, id="whatever the case"),
        pytest.param("\\d", "٣", False, id="digits are ASCII's"),
        pytest.param("\\w", "é", False, id="letters are ASCII's"),
        pytest.param(".", "é", True, id="a letter is one, however many bytes"),
        pytest.param("..?.?", "\ud800", False, id="half a surrogate pair is no text"),
        pytest.param("", "", True, id="nothing"),
        pytest.param("", "a", False, id="nothing is not something"),
    ],
)
def test_matches(pattern: str, text: str, matches: bool) -> None:
    assert Pattern(pattern).matches(text) is matches


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("(?=a)b", "invalid perl operator: (?=", id="looking ahead"),
        pytest.param("(?!kube-).*", "invalid perl operator: (?!", id="looking ahead for what is not"),
        pytest.param("(?<=a)b", "invalid perl operator: (?<=", id="looking back"),
        pytest.param("(a)\\1", "invalid escape sequence: \\1", id="what stood there before"),
        pytest.param("a++", "bad repetition operator: ++", id="a possessive repetition"),
        pytest.param("(", "missing )", id="a bracket left open"),
        pytest.param("[a-", "missing ]", id="a class left open"),
        pytest.param("[z-a]", "invalid character class range", id="a range from behind"),
        pytest.param("*", "no argument for repetition operator", id="a star alone"),
        pytest.param("a{2000}", "invalid repetition size", id="too many repetitions"),
        pytest.param("((a{100}){100}){100}", "invalid repetition size", id="too many in all"),
        pytest.param("\\", "trailing \\", id="a backslash at the end"),
    ],
)
def test_refuses(text: str, words: str) -> None:
    with pytest.raises(InvalidPatternError, match=re.escape(words)):
        Pattern(text)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "[\ud800-\udfff]"], ids=ascii)
def test_a_pattern_that_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidPatternError):
        Pattern(text)


@settings(deadline=None)
@given(hostile | st.text("()[]{}|*+?.^$\\ad1-", max_size=20), hostile)
def test_any_pattern_is_refused_or_answers_any_text(pattern: str, text: str) -> None:
    try:
        compiled = Pattern(pattern)
    except InvalidPatternError:
        return
    assert compiled.matches(text) in (True, False)


@settings(deadline=None)
@given(hostile)
def test_a_text_matches_itself_spelled_out(text: str) -> None:
    """Character by character, so that nothing in it means anything."""
    spelled = "".join(f"\\x{{{ord(char):x}}}" for char in text if not "\ud800" <= char <= "\udfff")
    assert Pattern(spelled).matches(text) is not any("\ud800" <= char <= "\udfff" for char in text)


def test_patterns_are_compared_by_what_was_written() -> None:
    assert Pattern("a+") == Pattern("a+")
    assert hash(Pattern("a+")) == hash(Pattern("a+"))
    assert Pattern("a+") != Pattern("aa*")
    assert Pattern("a+") != "a+"
    assert repr(Pattern("a+")) == "Pattern('a+')"


@pytest.mark.parametrize(
    "value", ["a\ud800", "\udfff", "x" * 10**6, "a\0b", "\x1b[2J"], ids=lambda v: ascii(v[:6])
)
def test_hostile_names_and_labels_are_refused_and_not_an_error(value: str) -> None:
    chosen = policy(name_pattern=Pattern("[a-z]+"), required_labels={"cost-centre": Pattern("[0-9]+")})
    asked = facts(name=value, labels={labels.TEAM: value, "cost-centre": value}, groups=(f"team-{value}",))
    assert set(rules(asked, chosen)) == {"name-pattern", "required-metadata"}
