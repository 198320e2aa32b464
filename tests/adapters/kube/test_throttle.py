"""How many writes at once, and when: the window's laws, and the gate in virtual time."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.controller import virtualtime
from tests.controller.virtualtime import VirtualTimeLoop
from webhook.adapters.kube.throttle import (
    CALM_SECONDS,
    WRITES_AT_FIRST,
    WRITES_AT_MOST,
    Gate,
    Throttle,
    Window,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return virtualtime.BACKEND


def now() -> float:
    return asyncio.get_running_loop().time()


def grown(window: Window, successes: int) -> Window:
    for _ in range(successes):
        window.grow()
    return window


def test_the_window_begins_with_what_was_measured_to_be_good() -> None:
    assert Window().limit == WRITES_AT_FIRST


def test_the_same_trouble_of_all_writes_under_way_halves_once() -> None:
    window = Window()
    for _ in range(24):
        window.shrink(sent=10.0, now=11.0)
    assert window.limit == WRITES_AT_FIRST // 2


def test_trouble_that_lasts_halves_again_and_again_down_to_one() -> None:
    window = Window()
    limits = []
    for second in range(0, 14, 2):
        window.shrink(sent=second, now=second + 0.5)
        limits.append(window.limit)
    assert limits == [12, 6, 3, 1, 1, 1, 1]


def test_a_write_sent_within_a_second_of_a_halving_does_not_halve_again() -> None:
    window = Window()
    window.shrink(sent=0.0, now=1.0)
    window.shrink(sent=0.99 + CALM_SECONDS, now=20.0)
    assert window.limit == 12
    window.shrink(sent=1.0 + CALM_SECONDS, now=20.0)
    assert window.limit == 6


def test_it_grows_by_about_one_for_as_many_successes_as_it_allows() -> None:
    window = Window()
    window.shrink(sent=0.0, now=0.0)
    for expected in range(12, 32):
        assert window.limit == expected
        grown(window, expected + 1)


def test_it_does_not_grow_without_end() -> None:
    assert grown(Window(), 10_000).limit == WRITES_AT_MOST


@given(steps=st.lists(st.floats(min_value=0, max_value=3) | st.none()))
def test_it_is_never_below_one_nor_above_the_most(steps: list[float | None]) -> None:
    """A number is a trouble after so many seconds, None a success."""
    window = Window()
    clock = 0.0
    for step in steps:
        if step is None:
            window.grow()
        else:
            clock += step
            window.shrink(sent=clock, now=clock)
        assert 1 <= window.limit <= WRITES_AT_MOST


@dataclass
class Calls:
    """Calls through a gate: when each was let in, how many were in at once."""

    gate: Gate
    entered: list[tuple[str, float]] = field(default_factory=list)
    inside: int = 0
    most: int = 0

    async def call(self, name: str, seconds: float = 1.0) -> None:
        async with self.gate:
            self.entered.append((name, now()))
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.inside -= 1


async def test_calls_go_in_the_order_they_came_and_no_more_than_allowed_at_once() -> None:
    calls = Calls(Gate(lambda: 2))
    await asyncio.gather(*(calls.call(name) for name in "abcde"))
    assert calls.entered == [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2)]


async def test_a_newcomer_does_not_overtake_who_waits() -> None:
    calls = Calls(Gate(lambda: 1))

    async def follow() -> None:
        await calls.call("a")
        await calls.call("again")

    await asyncio.gather(follow(), calls.call("b"))
    assert [name for name, _ in calls.entered] == ["a", "b", "again"]


async def test_nor_does_it_when_more_is_allowed_meanwhile() -> None:
    limit = 1
    calls = Calls(Gate(lambda: limit))
    running = [asyncio.create_task(calls.call(name)) for name in "ab"]
    await asyncio.sleep(0.5)
    limit = 2
    await asyncio.gather(*running, calls.call("c"))
    assert calls.entered == [("a", 0), ("b", 1), ("c", 1)]


async def test_a_hold_lets_nobody_in_until_it_is_over_and_who_is_in_goes_on() -> None:
    calls = Calls(Gate(lambda: 2))
    first = asyncio.create_task(calls.call("a"))
    await asyncio.sleep(0.5)
    calls.gate.hold(7)
    await asyncio.gather(first, calls.call("b"), calls.call("c"), calls.call("d"))
    assert calls.entered == [("a", 0), ("b", 7.5), ("c", 7.5), ("d", 8.5)]


@pytest.mark.parametrize(
    ("holds", "until"),
    [
        pytest.param((5, 7), 7, id="a longer one counts"),
        pytest.param((7, 5), 7, id="a shorter one does not shorten"),
        pytest.param((0,), 0, id="none of no length"),
    ],
)
async def test_of_several_holds_the_longest_counts(holds: tuple[float, ...], until: float) -> None:
    calls = Calls(Gate(lambda: 1))
    for seconds in holds:
        calls.gate.hold(seconds)
    await calls.call("a")
    assert calls.entered == [("a", until)]


async def test_a_smaller_limit_waits_for_the_calls_under_way() -> None:
    limit = 3
    calls = Calls(Gate(lambda: limit))
    under_way = [
        asyncio.create_task(calls.call(name, seconds)) for name, seconds in (("a", 1), ("b", 2), ("c", 3))
    ]
    await asyncio.sleep(0.5)
    limit = 1
    await asyncio.gather(*under_way, calls.call("d"))
    assert calls.entered[-1] == ("d", 3)


async def test_who_gives_up_waiting_takes_nobody_s_place() -> None:
    calls = Calls(Gate(lambda: 1))
    first, gives_up, last = (asyncio.create_task(calls.call(name)) for name in ("a", "b", "c"))
    await asyncio.sleep(0.5)
    gives_up.cancel()
    await asyncio.gather(first, last)
    assert calls.entered == [("a", 0), ("c", 1)]


async def test_who_is_cancelled_with_the_place_in_hand_passes_it_on() -> None:
    """Given the place and cancelled in the same turn of the loop, before it could run."""
    gate = Gate(lambda: 1)
    await gate.__aenter__()
    calls = Calls(gate)
    waiting = asyncio.create_task(calls.call("b"))
    await asyncio.sleep(0)
    await gate.__aexit__()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(10):
        await calls.call("c")
    assert [name for name, _ in calls.entered] == ["c"]


async def test_a_newcomer_is_let_in_where_all_before_it_gave_up() -> None:
    gate = Gate(lambda: 1)
    gate.hold(1)
    calls = Calls(gate)
    gave_up = asyncio.create_task(calls.call("a"))
    await asyncio.sleep(0)
    gave_up.cancel()
    await asyncio.sleep(2)
    async with asyncio.timeout(10):
        await calls.call("b")
    assert calls.entered == [("b", 2)]


FEW = st.floats(min_value=0, max_value=5)
Plan = list[tuple[float, float, float | None]]


@given(
    limits=st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=5),
    plan=st.lists(
        st.tuples(
            FEW,
            st.floats(min_value=0, max_value=3),
            st.none() | FEW,
        ),
        max_size=12,
    ),
    holds=st.lists(
        st.tuples(st.floats(min_value=0, max_value=5), st.floats(min_value=0, max_value=5)), max_size=3
    ),
)
def test_whatever_happens_the_gate_lets_in_no_more_than_its_limit_and_everybody_in_the_end(
    limits: list[int], plan: Plan, holds: list[tuple[float, float]]
) -> None:
    """`plan`: when each call comes, how long it takes, after how long it is cancelled, if so. The limit
    changes each second; `holds` come at a moment and last."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_play(limits, plan, holds))


async def _play(limits: list[int], plan: Plan, holds: list[tuple[float, float]]) -> None:
    loop = asyncio.get_running_loop()
    gate = Gate(lambda: limits[int(loop.time()) % len(limits)])
    calls = Calls(gate)
    held: list[tuple[float, float]] = []

    async def one(number: int, at: float, seconds: float, patience: float | None) -> None:
        await asyncio.sleep(at)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await calls.call(str(number), seconds)

    async def hold(at: float, seconds: float) -> None:
        await asyncio.sleep(at)
        held.append((loop.time(), loop.time() + seconds))
        gate.hold(seconds)

    async with asyncio.timeout(1000), asyncio.TaskGroup() as group:
        for number, (at, seconds, patience) in enumerate(plan):
            group.create_task(one(number, at, seconds, patience))
        for at, seconds in holds:
            group.create_task(hold(at, seconds))
    assert calls.inside == 0
    assert calls.most <= max(limits)
    assert {str(number) for number, (_, _, patience) in enumerate(plan) if patience is None} <= {
        name for name, _ in calls.entered
    }
    for _, at in calls.entered:
        assert not any(begin < at < end - 1e-6 for begin, end in held)


async def test_the_throttle_tells_its_limit_when_it_changes_and_of_every_trouble() -> None:
    limits: list[int] = []
    troubles: list[int] = []
    throttle = Throttle(on_limit=limits.append, on_trouble=lambda: troubles.append(1))
    for _ in range(3):
        throttle.met_trouble(write=True, sent=0, retry_after=None)
    for _ in range(14):
        throttle.wrote()
    throttle.met_trouble(write=False, sent=100, retry_after=None)
    assert limits == [24, 12, 13]
    assert len(troubles) == 4


async def test_writes_that_wait_are_let_in_when_the_limit_grows() -> None:
    throttle = Throttle(on_limit=lambda _: None, on_trouble=lambda: None)
    calls = Calls(throttle.writes)
    lasting = [calls.call("a", 10) for _ in range(23)]
    others = [calls.call("a", 1), calls.call("b", 5), calls.call("c", 5)]
    running = asyncio.gather(*lasting, *others)
    await asyncio.sleep(0.5)
    assert len(calls.entered) == 24
    for _ in range(60):
        throttle.wrote()
    await running
    assert calls.entered[24:] == [("b", 1), ("c", 1)]
