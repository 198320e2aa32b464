"""Every attacker tries every change by every door: with all our guards up, nothing is taken.

What is stored afterwards counts, not what was answered. The tables at the end of the run tell how many
cases there were.
"""

import itertools
import time

import pytest

from tests.attack import changes, expectations, matrix
from tests.attack.conftest import Report
from tests.attack.matrix import Outcome
from tests.attack.stage import Stage
from tests.attack.world import World

pytestmark = pytest.mark.timeout(600)
"""Seconds: all cases of a module are tried before its first test, and a machine may be busy."""


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return world.stage()


@pytest.fixture(scope="module")
def outcomes(world: World, stage: Stage, report: Report) -> list[Outcome]:
    begin = time.monotonic()
    found = matrix.run(matrix.cases(stage), world.client, stage)
    return report.add(f"webhooks and policies ({time.monotonic() - begin:.0f} s)", found)


def test_nothing_is_taken(outcomes: list[Outcome]) -> None:
    assert [str(outcome) for outcome in outcomes if outcome.thefts] == []


def test_nothing_is_lost_by_the_way(world: World, stage: Stage, outcomes: list[Outcome]) -> None:
    """The garbage collector has had all the time of the matrix to act on a false owner."""
    assert len(outcomes) > 0
    assert matrix.losses(world.client, stage) == []


def test_each_case_is_refused_by_the_rule_that_is_there_for_it_or_else_allowed(
    outcomes: list[Outcome],
) -> None:
    assert [str(outcome) for outcome in outcomes if not expectations.everything(outcome)] == []


def test_every_door_meets_every_attacker_and_every_attacker_every_change(outcomes: list[Outcome]) -> None:
    """Of the harmful changes of namespaces; more than 300 cases were promised."""
    harmful = {change.name for change in changes.HARMFUL}
    cases = [case for outcome in outcomes if (case := outcome.case).area == "namespace"]
    cases = [case for case in cases if case.change in harmful]
    assert len(cases) > 300
    people = {case.actor.name for case in cases}
    doors = {case.door for case in cases}
    assert {(case.door, case.actor.name) for case in cases} == set(itertools.product(doors, people))
    assert {(case.change, case.actor.name) for case in cases} == set(itertools.product(harmful, people))
