"""Lifetimes: whole numbers with one unit, nothing else."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.core import lifetime

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
TEN_YEARS = 3650 * 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("1s", 1, id="the shortest"),
        pytest.param("90s", 90, id="seconds"),
        pytest.param("30m", 1800, id="minutes"),
        pytest.param("8h", 28_800, id="hours"),
        pytest.param("7d", 604_800, id="days"),
        pytest.param("3650d", TEN_YEARS, id="the longest, in days"),
        pytest.param("315360000s", TEN_YEARS, id="the longest, in seconds"),
    ],
)
def test_reads(text: str, seconds: int) -> None:
    assert lifetime.parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("7", id="no unit"),
        pytest.param("d", id="no number"),
        pytest.param("0s", id="no time at all"),
        pytest.param("000d", id="many zeros"),
        pytest.param("07d", id="a leading zero"),
        pytest.param("-7d", id="a minus sign"),
        pytest.param("+7d", id="a plus sign"),
        pytest.param("1.5h", id="a fraction"),
        pytest.param("1,5h", id="a fraction with a comma"),
        pytest.param("1e3s", id="an exponent"),
        pytest.param("0x1d", id="hexadecimal"),
        pytest.param("1_000s", id="an underscore"),
        pytest.param("1h30m", id="two units"),
        pytest.param("1 h", id="a space between"),
        pytest.param(" 1h", id="a space in front"),
        pytest.param("1h ", id="a space behind"),
        pytest.param("1h\n", id="a newline behind"),
        pytest.param("\t1h", id="a tab in front"),
        pytest.param("1h\0", id="a null character"),
        pytest.param("7D", id="a capital"),
        pytest.param("7w", id="weeks"),
        pytest.param("7y", id="years"),
        pytest.param("7ms", id="milliseconds"),
        pytest.param("7days", id="a word"),
        pytest.param("forever", id="for ever"),
        pytest.param("P7D", id="as ISO 8601 says it"),
        pytest.param("9999-12-31T23:59:59Z", id="the last day of the calendar"),
        pytest.param("inf", id="infinity"),
        pytest.param("nan", id="not a number"),
        pytest.param("\u0667d", id="an Arabic digit"),
        pytest.param("\uff17d", id="a full-width digit"),
        pytest.param("7\uff44", id="a full-width unit"),
        pytest.param("²d", id="a digit above the line"),
        pytest.param("7\ud800", id="half a surrogate pair"),
        pytest.param("3651d", id="a day more than ten years"),
        pytest.param("315360001s", id="a second more than ten years"),
        pytest.param("999999999d", id="the largest number that is read"),
        pytest.param("2922277d", id="beyond the year 9999"),
        pytest.param("9223372036854775808s", id="more than 63 bits"),
        pytest.param("1" + "0" * 400 + "d", id="more than a float can hold"),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(lifetime.InvalidLifetimeError) as refused:
        lifetime.parse(text)
    assert str(refused.value) == "must be a number and one of s, m, h, d, up to 3650d"


@pytest.mark.parametrize(
    "text", ["9" * 10**6 + "d", "d" * 10**6, "1h" * 10**6, " " * 10**6, "0" * 10**6 + "1d"]
)
def test_a_million_characters_are_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(lifetime.InvalidLifetimeError):
        lifetime.parse(text)
    assert time.perf_counter() - began < 0.5


@settings(deadline=None)
@given(st.integers(-10, 10**11), st.sampled_from("smhdwy"))
def test_a_number_of_units_is_that_many_units(count: int, unit: str) -> None:
    seconds = count * UNITS.get(unit, 0)
    if 0 < seconds <= TEN_YEARS:
        assert lifetime.parse(f"{count}{unit}") == seconds
    else:
        with pytest.raises(lifetime.InvalidLifetimeError):
            lifetime.parse(f"{count}{unit}")


@settings(deadline=None)
@given(st.text(st.characters(), max_size=12) | st.text("0123456789smhd-+._ \n", max_size=12))
def test_any_text_is_exactly_that_or_refused(text: str) -> None:
    try:
        seconds = lifetime.parse(text)
    except lifetime.InvalidLifetimeError:
        return
    number, unit = text[:-1], text[-1]
    assert number == str(seconds // UNITS[unit]), "written in one way only"
    assert 1 <= seconds <= TEN_YEARS


@settings(deadline=None)
@given(st.integers(1, TEN_YEARS))
def test_every_end_is_a_day_in_the_calendar(seconds: int) -> None:
    born = datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        born
        < born + timedelta(seconds=lifetime.parse(f"{min(seconds, 999_999_999)}s"))
        < born.max.replace(tzinfo=UTC)
    )
