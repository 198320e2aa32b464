"""The line moves at the catalogue's pace, and those in it are asked for when their turn comes."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.controller import virtualtime
from tests.controller.support import running
from webhook.adapters import catalogue_file
from webhook.controller.rollout import REMEMBERED, FormerTiers, RolloutGate
from webhook.core import labels
from webhook.core.policy import Policy, Rollout

pytestmark = pytest.mark.anyio

POLICY = catalogue_file.load(None)
NEW = "abc"


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


def paced(**rollout: Any) -> Policy:
    return replace(POLICY, rollout=replace(Rollout(per_minute=60), **rollout))


class Line:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.turns: list[tuple[float, str]] = []
        self.gate = RolloutGate(lambda: self.policy, self._turn)

    def _turn(self, name: str) -> None:
        self.turns.append((virtualtime.running_loop().time(), name))

    def ask(self, *names: str, revision: str = NEW) -> list[bool]:
        return [self.gate.admits(name, {}, revision) for name in names]


async def test_the_first_goes_at_once_and_the_others_at_the_pace_in_the_order_they_asked() -> None:
    line = Line(paced())
    assert line.ask("a", "b", "c") == [False, False, False]
    async with running(line.gate.run()):
        await asyncio.sleep(10)
    assert line.turns == [(0, "a"), (1, "b"), (2, "c")]
    assert line.ask("a", "b", "c") == [True, True, True]
    assert len(line.gate) == 0


async def test_who_asks_again_keeps_its_place() -> None:
    line = Line(paced())
    line.ask("a", "b", "a")
    async with running(line.gate.run()):
        await asyncio.sleep(10)
    assert [name for _, name in line.turns] == ["a", "b"]


async def test_a_turn_is_for_one_revision() -> None:
    line = Line(paced())
    line.ask("a")
    async with running(line.gate.run()):
        await asyncio.sleep(1)
    assert line.ask("a", revision="newer") == [False]


async def test_a_turn_stays_until_the_namespace_has_followed() -> None:
    line = Line(paced())
    line.ask("a")
    async with running(line.gate.run()):
        await asyncio.sleep(1)
    assert line.ask("a", "a") == [True, True]
    line.gate.forget("a")
    assert line.ask("a") == [False]


async def test_by_hand_nobody_moves_but_who_is_told_to() -> None:
    line = Line(paced(strategy="manual"))
    assert line.ask("a") == [False]
    async with running(line.gate.run()):
        await asyncio.sleep(1000)
    assert line.turns == []
    assert line.gate.admits("a", {labels.REVISION: NEW}, NEW)
    assert not line.gate.admits("a", {labels.REVISION: "older"}, NEW)


async def test_a_rollout_that_becomes_manual_stops_there() -> None:
    line = Line(paced())
    line.ask("a", "b", "c")
    async with running(line.gate.run()):
        await asyncio.sleep(0.5)
        line.policy = paced(strategy="manual")
        await asyncio.sleep(100)
    assert [name for _, name in line.turns] == ["a"]


async def test_a_new_pace_holds_from_the_next_turn_on() -> None:
    line = Line(paced(per_minute=1))
    line.ask("a", "b", "c")
    async with running(line.gate.run()):
        await asyncio.sleep(1)
        line.policy = paced(per_minute=600)
        await asyncio.sleep(100)
    assert line.turns == [(0, "a"), (60, "b"), (pytest.approx(60.1), "c")]


async def test_stop_ends_it_in_the_middle_of_a_pause() -> None:
    line = Line(paced(per_minute=1))
    line.ask("a", "b")
    run = asyncio.create_task(line.gate.run())
    await asyncio.sleep(5)
    line.gate.stop()
    await run
    assert virtualtime.running_loop().time() == 5


async def test_a_line_that_was_cancelled_moves_on_in_another_term() -> None:
    line = Line(paced())
    line.ask("a", "b")
    async with running(line.gate.run()):
        await asyncio.sleep(0.5)
    async with running(line.gate.run()):
        await asyncio.sleep(0.5)
    assert [name for _, name in line.turns] == ["a", "b"]


def test_former_tiers_are_remembered_within_bounds() -> None:
    former = FormerTiers()
    small = POLICY.tiers["small"]
    for number in range(2 * REMEMBERED):
        former.note(replace(POLICY, tiers={"small": replace(small, revision=str(number))}))
    assert former.get("small", "0") is None
    assert former.get("small", str(2 * REMEMBERED - 1)) is not None
    kept = [number for number in range(2 * REMEMBERED) if former.get("small", str(number))]
    assert len(kept) == REMEMBERED
