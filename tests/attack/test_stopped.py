"""All replicas are stopped: closed for namespaces, open for everything else, and nothing is taken."""

from collections.abc import Iterator

import pytest

from tests.attack import expectations, legitimate, matrix
from tests.attack.conftest import Report
from tests.attack.desk import Desk
from tests.attack.matrix import Outcome
from tests.attack.stage import Stage, Target
from tests.attack.world import World

pytestmark = pytest.mark.timeout(600)
"""Seconds: all cases of a module are tried before its first test, and a machine may be busy."""


WORK = [work for work in legitimate.WORK if not work.changes_namespace]


@pytest.fixture(scope="module")
def places(world: World) -> list[Target]:
    """Where everyday work goes on: a namespace each, made beforehand."""
    stage = world.stage()
    return [stage.make(work.target) for work in WORK]


@pytest.fixture(scope="module")
def stage(world: World, places: list[Target]) -> Iterator[Stage]:
    """With all namespaces made beforehand: none can be made while we are down."""
    found = world.stage()
    found.fill(expectations.used_up(matrix.cases(found)))
    with world.stopped():
        yield found


@pytest.fixture(scope="module")
def outcomes(world: World, stage: Stage, report: Report) -> list[Outcome]:
    return report.add("all replicas stopped", matrix.run(matrix.cases(stage), world.client, stage))


def test_nothing_is_taken(outcomes: list[Outcome]) -> None:
    assert [str(outcome) for outcome in outcomes if outcome.thefts] == []


def test_nothing_is_lost_by_the_way(world: World, stage: Stage, outcomes: list[Outcome]) -> None:
    assert len(outcomes) > 0
    assert matrix.losses(world.client, stage) == []


def test_what_is_refused_is_changes_of_namespaces_and_what_a_policy_keeps(outcomes: list[Outcome]) -> None:
    assert [str(outcome) for outcome in outcomes if not expectations.nobody_answers(outcome)] == []


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("number", range(len(WORK)), ids=lambda at: f"{WORK[at].actor.name}: {WORK[at].name}")
def test_everything_else_goes_on(world: World, places: list[Target], number: int) -> None:
    work = WORK[number]
    work.do(Desk(world.plane, world.client, work.actor, places[number], f"payments-down-{number}"))
