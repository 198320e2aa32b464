"""The webhook configurations are deleted: the API server itself keeps what must never be lost."""

import itertools
from collections.abc import Iterator

import pytest

from tests.attack import changes, expectations, matrix, namespaces, objects
from tests.attack.actors import ADMIN
from tests.attack.cases import Case
from tests.attack.conftest import Report
from tests.attack.doors import EVERY_NAMESPACE_DOOR, OBJECT
from tests.attack.matrix import Outcome
from tests.attack.stage import Stage
from tests.attack.world import World

pytestmark = pytest.mark.timeout(600)
"""Seconds: all cases of a module are tried before its first test, and a machine may be busy."""


@pytest.fixture(scope="module")
def unhooked(world: World) -> Iterator[Stage]:
    with world.unhooked():
        yield world.stage()


@pytest.fixture(scope="module")
def outcomes(world: World, unhooked: Stage, report: Report) -> list[Outcome]:
    """All that would harm, but for the creations that are for the webhooks to judge."""
    harmful = [case for case in matrix.cases(unhooked) if case.rules and not case.dry_run]
    cases = [case for case in harmful if case.area != "creation" or case.by_policy]
    return report.add("policies alone", matrix.run(cases, world.client, unhooked))


def test_nothing_is_taken(outcomes: list[Outcome]) -> None:
    assert [str(outcome) for outcome in outcomes if outcome.thefts] == []


def test_nothing_is_lost_by_the_way(world: World, unhooked: Stage, outcomes: list[Outcome]) -> None:
    assert len(outcomes) > 0
    assert matrix.losses(world.client, unhooked) == []


def test_each_case_is_refused_by_the_rule_that_is_there_for_it_or_else_allowed(
    outcomes: list[Outcome],
) -> None:
    assert [str(outcome) for outcome in outcomes if not expectations.policies(outcome)] == []


@pytest.fixture(scope="module")
def admins(world: World, unhooked: Stage) -> list[Outcome]:
    """The control: the same by one to whom the rules allow it."""
    return matrix.run(_by_admin(unhooked), world.client, unhooked)


def _by_admin(stage: Stage) -> Iterator[Case]:
    """Every change by one door, and every door with one change."""
    kinds = {kind for change in changes.EVERY for kind in change.targets}
    specimens = {kind: stage.make(kind) for kind in kinds}
    tier = changes.HARMFUL[0]
    for change in (each for each in changes.EVERY if not each.by_server):
        yield namespaces.case(change, change.doors[0], ADMIN, specimens[change.targets[0]])
    for door in (each for each in EVERY_NAMESPACE_DOOR if not each.patient):
        yield namespaces.case(tier, door, ADMIN, specimens["managed"])
    for objects_change in (*objects.CHANGES, *objects.QUOTA_STATUS):
        key, door = objects_change.keys[0], objects_change.doors[0]
        yield objects.case(objects_change, door, key, ADMIN, specimens["managed"])
    note = next(change for change in objects.CHANGES if change.name == "annotate")
    for door, key in itertools.product(OBJECT, objects.KEYS):
        yield objects.case(note, door, key, ADMIN, specimens["managed"])
    yield namespaces.deletion("delete", None, ADMIN, "managed", frozenset({"none"}), dry_run=False)


def test_an_admin_does_get_through_each_door_and_the_oracle_sees_each_change(admins: list[Outcome]) -> None:
    """Or else the matrix would prove nothing."""
    harmless = {change.name for change in changes.HARMLESS}
    wrong = [outcome for outcome in admins if bool(outcome.thefts) == (outcome.case.change in harmless)]
    assert [str(outcome) for outcome in admins if outcome.reply.refused] == []
    assert [str(outcome) for outcome in wrong] == []
