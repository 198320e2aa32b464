"""Load keeps to its schedule, and says when it could not."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.chaos.pace import LATE_SECONDS, Pace


async def _run(rate: float, count: int, stall: float = 0.0) -> tuple[Pace, list[float]]:
    """The first `count` due times; the first action blocks the loop for `stall` seconds."""
    pace, due_times = Pace(rate), []

    async def action(due: float) -> None:
        due_times.append(due)
        if len(due_times) == 1:
            time.sleep(stall)  # noqa: ASYNC251 - what is tested is a client that was kept from its work
        if len(due_times) == count:
            pace.stop()

    await pace.run(action)
    return pace, due_times


@settings(max_examples=20, deadline=None)
@given(rate=st.floats(200, 5000), count=st.integers(2, 40))
def test_each_action_is_due_one_interval_after_the_one_before(rate: float, count: int) -> None:
    _, due_times = asyncio.run(_run(rate, count))
    for number, due in enumerate(due_times):
        assert due == pytest.approx(due_times[0] + number / rate)


def test_what_was_due_during_a_stall_is_started_all_the_same_and_counted_as_late() -> None:
    stall = 4 * LATE_SECONDS
    pace, due_times = asyncio.run(_run(100, 30, stall))
    assert pace.late >= 10
    assert pace.latest >= stall - 2 / 100
    assert len(due_times) == pace.started
    assert due_times[-1] == pytest.approx(due_times[0] + (pace.started - 1) / 100)


def test_a_stopped_pace_waits_for_its_last_action() -> None:
    ended = []

    async def run() -> None:
        pace = Pace(1000)

        async def action(due: float) -> None:
            pace.stop()
            await asyncio.sleep(0.01)
            ended.append(due)

        await pace.run(action)
        assert len(ended) == pace.started

    asyncio.run(run())
    assert ended
