"""The API server's clock, as its answers tell it: never ahead of the server."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.adapters.kube.serverclock import ServerClock, http_date

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HEADER = "Sun, 01 Mar 2026 12:00:00 GMT"


class Elapsed:
    """A monotonic clock that a test sets."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_before_the_first_answer_the_time_is_unknown() -> None:
    assert ServerClock().now() is None


def test_the_time_goes_on_between_answers() -> None:
    elapsed = Elapsed()
    clock = ServerClock(elapsed)
    clock.saw(HEADER)
    assert clock.now() == NOON
    elapsed.seconds += 90.5
    assert clock.now() == NOON + timedelta(seconds=90.5)


def test_the_newest_answer_counts_even_where_it_sets_the_clock_back() -> None:
    elapsed = Elapsed()
    clock = ServerClock(elapsed)
    clock.saw(HEADER)
    elapsed.seconds += 600
    clock.saw("Sun, 01 Mar 2026 11:00:00 GMT")
    assert clock.now() == NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no header"),
        pytest.param("", id="an empty one"),
        pytest.param("soon", id="a word"),
        pytest.param("Sun, 01 Mar 2026 12:00:00 -0000", id="a time of no zone"),
        pytest.param("Sun, 41 Mar 2026 12:00:00 GMT", id="a day that is none"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -1200", id="a time after all time"),
        pytest.param("Sun, 01 Mar 99999999999 12:00:00 GMT", id="a year beyond measure"),
        pytest.param("Sun, 01 Mar 2026 12:00:00 +9999999999", id="a zone beyond measure"),
    ],
)
def test_a_header_that_tells_no_time_changes_nothing(header: str | None) -> None:
    assert http_date(header) is None
    elapsed = Elapsed()
    clock = ServerClock(elapsed)
    clock.saw(HEADER)
    elapsed.seconds += 5
    clock.saw(header)
    assert clock.now() == NOON + timedelta(seconds=5)


@given(st.text(max_size=60))
def test_no_header_is_an_error(header: str) -> None:
    http_date(header)


@given(
    waits=st.lists(
        st.tuples(st.floats(min_value=0, max_value=3), st.floats(min_value=0, max_value=3)), min_size=1
    )
)
def test_it_is_never_ahead_of_the_server_and_not_far_behind(waits: list[tuple[float, float]]) -> None:
    """Each pair: how long until the server answers again, and how long the answer is on its way."""
    elapsed = Elapsed()
    clock = ServerClock(elapsed)
    began = elapsed.seconds
    for pause, way in waits:
        elapsed.seconds += pause
        written = NOON + timedelta(seconds=elapsed.seconds - began)
        elapsed.seconds += way
        clock.saw(written.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        told = clock.now()
        assert told is not None
        true = NOON + timedelta(seconds=elapsed.seconds - began)
        assert true - timedelta(seconds=4.001) < told <= true + timedelta(milliseconds=1)
