"""The wait grows, has bounds, and never repeats in step."""

from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.core import backoff

failures = st.integers(1, 200) | st.integers(1, 10**12)
jitters = st.floats(0, 1, exclude_max=True)


def test_the_first_waits_are_short_and_double() -> None:
    assert [backoff.delay(count, 0) for count in (1, 2, 3)] == [0.0025, 0.005, 0.01]


def test_jitter_doubles_the_wait_at_most() -> None:
    assert backoff.delay(1, 0.5) == 0.00375
    assert backoff.delay(50, 0.5) == 45


@settings(deadline=None)
@given(failures, jitters)
def test_the_wait_lies_between_half_the_base_and_the_limit(count: int, jitter: float) -> None:
    assert backoff.BASE_SECONDS / 2 <= backoff.delay(count, jitter) <= backoff.LIMIT_SECONDS


@settings(deadline=None)
@given(failures, failures, jitters)
def test_more_failures_never_wait_less(one: int, other: int, jitter: float) -> None:
    fewer, more = sorted((one, other))
    assert backoff.delay(fewer, jitter) <= backoff.delay(more, jitter)


@settings(deadline=None)
@given(failures, jitters)
def test_own_bounds_are_kept(count: int, jitter: float) -> None:
    assert 0.5 <= backoff.delay(count, jitter, base=1, limit=8) <= 8
