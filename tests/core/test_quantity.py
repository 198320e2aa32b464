"""Quantities: what the API server's grammar takes, by value."""

import contextlib
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.core import quantity
from webhook.core.errors import InvalidQuantityError

SUFFIXES = ["", *"numkMGTPE", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("0", Fraction(0), id="zero"),
        pytest.param("4", Fraction(4), id="a plain number"),
        pytest.param("+4", Fraction(4), id="a plus sign"),
        pytest.param("-4", Fraction(-4), id="a minus sign"),
        pytest.param("0.5", Fraction(1, 2), id="a decimal fraction"),
        pytest.param(".5", Fraction(1, 2), id="a fraction without a leading zero"),
        pytest.param("5.", Fraction(5), id="a point with nothing after it"),
        pytest.param("500m", Fraction(1, 2), id="milli"),
        pytest.param("3u", Fraction(3, 10**6), id="micro"),
        pytest.param("3n", Fraction(3, 10**9), id="nano"),
        pytest.param("2k", Fraction(2000), id="kilo is a small k"),
        pytest.param("1.5Gi", Fraction(3 * 2**29), id="a binary suffix after a fraction"),
        pytest.param("1Ei", Fraction(2**60), id="the largest binary suffix"),
        pytest.param("1E", Fraction(10**18), id="E alone is exa"),
        pytest.param("1E3", Fraction(1000), id="E with digits is an exponent"),
        pytest.param("1e+3", Fraction(1000), id="a signed exponent"),
        pytest.param("1e-3", Fraction(1, 1000), id="a negative exponent"),
    ],
)
def test_reads(text: str, value: Fraction) -> None:
    assert quantity.parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Gi", id="a suffix alone"),
        pytest.param(".", id="a point alone"),
        pytest.param("-", id="a sign alone"),
        pytest.param("1.2.3", id="two points"),
        pytest.param("--1", id="two signs"),
        pytest.param("1 Gi", id="a space before the suffix"),
        pytest.param(" 1", id="a space in front"),
        pytest.param("1\n", id="a newline behind"),
        pytest.param("1Gi\n", id="a newline behind the suffix"),
        pytest.param("1K", id="kilo as a capital K"),
        pytest.param("8GiB", id="bytes spelled out"),
        pytest.param("8GB", id="gigabytes spelled out"),
        pytest.param("1gi", id="a suffix in the wrong case"),
        pytest.param("1ki", id="kibi in the wrong case"),
        pytest.param("1e", id="e without digits"),
        pytest.param("1e1.5", id="an exponent that is a fraction"),
        pytest.param("1e999", id="an exponent out of any reason"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("1_000", id="underscores"),
        pytest.param("1,5", id="a decimal comma"),
        pytest.param("inf", id="infinity"),
        pytest.param("nan", id="not a number"),
        pytest.param("four", id="words"),
        pytest.param("٤", id="Arabic digits"),
        pytest.param("\uff14", id="full-width digits"),
        pytest.param("1μ", id="a Greek mu"),
        pytest.param("1\0", id="a null character"),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidQuantityError):
        quantity.parse(text)


def test_the_message_says_what_to_write_instead() -> None:
    with pytest.raises(InvalidQuantityError) as no_number:
        quantity.parse("lots")
    assert str(no_number.value) == "'lots' is not a quantity such as 500m, 4 or 16Gi"
    with pytest.raises(InvalidQuantityError) as suffix:
        quantity.parse("8GiB")
    assert str(suffix.value) == "'8GiB' has an unknown suffix 'GiB'; use m, k, M, G, Ki, Mi or Gi"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("9" * 1_000_000, id="a million digits"),
        pytest.param("0." + "1" * 1_000_000, id="a million decimals"),
        pytest.param("1e" + "9" * 1_000_000, id="a million digits in the exponent"),
        pytest.param("1" + "i" * 1_000_000, id="a suffix of a million characters"),
        pytest.param("." * 1_000_000, id="a million points"),
    ],
)
def test_hostile_text_is_refused_at_once_and_in_few_words(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidQuantityError) as refused:
        quantity.parse(text)
    assert time.perf_counter() - began < 0.5
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        pytest.param("1000m", "1", True, id="1000m is 1"),
        pytest.param("1e3", "1k", True, id="1e3 is 1k"),
        pytest.param("1024Mi", "1Gi", True, id="1024Mi is 1Gi"),
        pytest.param("0.5", "500m", True, id="a half is 500m"),
        pytest.param("0", "0Gi", True, id="nothing is nothing in every unit"),
        pytest.param("1Gi", "1G", False, id="1Gi is not 1G"),
        pytest.param("1m", "1M", False, id="milli is not mega"),
        pytest.param("1", "-1", False, id="the sign counts"),
        pytest.param("Container", "Container", True, id="text that is no quantity equals itself"),
        pytest.param("Container", "Pod", False, id="text that is no quantity equals nothing else"),
        pytest.param("1", "one", False, id="a quantity does not equal a word"),
    ],
)
def test_equality_is_by_value(one: str, other: str, *, equal: bool) -> None:
    assert quantity.equal(one, other) is equal
    assert quantity.equal(other, one) is equal


@settings(deadline=None)
@given(st.integers(-(10**15), 10**15), st.sampled_from(SUFFIXES))
def test_a_whole_number_of_units_is_that_many_units(count: int, suffix: str) -> None:
    assert quantity.parse(f"{count}{suffix}") == count * quantity.parse(f"1{suffix}")


@settings(deadline=None)
@given(st.decimals("-1e9", "1e9", places=6), st.decimals("-1e9", "1e9", places=6), st.sampled_from(SUFFIXES))
def test_more_of_a_unit_is_more(one: object, other: object, suffix: str) -> None:
    texts = sorted([f"{one:f}{suffix}", f"{other:f}{suffix}"], key=quantity.parse)
    numbers = [Fraction(text.removesuffix(suffix) if suffix else text) for text in texts]
    assert numbers == sorted(numbers)


def test_the_suffixes_stand_in_order_of_size() -> None:
    decimal = [quantity.parse(f"1{suffix}") for suffix in ["n", "u", "m", "", *"kMGTPE"]]
    binary = [quantity.parse(f"1{suffix}") for suffix in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]]
    assert decimal == sorted(set(decimal))
    assert binary == sorted(set(binary))


@settings(deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidQuantityError):
        assert isinstance(quantity.parse(text), Fraction)
