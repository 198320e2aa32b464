"""A fight over an object is fought slowly, and only that one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.controller.repairs import PAUSE_SECONDS, QUICK, WINDOW_SECONDS, Repairs
from webhook.core.model import ObjectKey

QUOTA = ObjectKey("ResourceQuota", "default")
BINDING = ObjectKey("RoleBinding", "team-edit")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fought(clock: Clock) -> Repairs:
    repairs = Repairs(clock)
    for _ in range(QUICK):
        repairs.note("payments", QUOTA)
    return repairs


def test_the_first_repairs_are_made_at_once(clock: Clock) -> None:
    repairs = Repairs(clock)
    for _ in range(QUICK):
        assert repairs.pause("payments", QUOTA) == 0
        assert repairs.contested("payments") == ()
        repairs.note("payments", QUOTA)


def test_the_next_one_has_to_wait_and_the_object_is_contested(clock: Clock) -> None:
    repairs = fought(clock)
    clock.now += 1
    assert repairs.pause("payments", QUOTA) == PAUSE_SECONDS - 1
    assert repairs.contested("payments") == (QUOTA,)
    clock.now += PAUSE_SECONDS
    assert repairs.pause("payments", QUOTA) == 0


def test_neither_other_objects_nor_other_namespaces_wait(clock: Clock) -> None:
    repairs = fought(clock)
    assert repairs.pause("payments", BINDING) == repairs.pause("search", QUOTA) == 0
    assert repairs.contested("search") == ()


def test_it_is_over_when_nobody_has_changed_it_for_a_while(clock: Clock) -> None:
    repairs = fought(clock)
    clock.now += WINDOW_SECONDS
    assert repairs.contested("payments") == ()
    assert repairs.pause("payments", QUOTA) == 0


def test_a_namespace_that_is_gone_is_forgotten(clock: Clock) -> None:
    repairs = fought(clock)
    repairs.forget("payments")
    assert repairs.contested("payments") == ()


@given(st.lists(st.floats(0.001, 2.0), min_size=1, max_size=12))
def test_whatever_the_other_does_an_object_is_written_at_most_once_a_second(steps: list[float]) -> None:
    clock = Clock()
    repairs, written = Repairs(clock), []
    for step in 50 * steps:
        clock.now += step
        if repairs.pause("payments", QUOTA) == 0:
            repairs.note("payments", QUOTA)
            written.append(clock.now)
    for begin in written:
        within = [moment for moment in written if begin <= moment < begin + WINDOW_SECONDS]
        assert len(within) <= QUICK + WINDOW_SECONDS / PAUSE_SECONDS
