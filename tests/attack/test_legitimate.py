"""With webhooks and policies in force, everyday work is never refused."""

import itertools

import pytest

from tests.attack import legitimate
from tests.attack.desk import Desk, Work
from tests.attack.stage import Stage
from tests.attack.world import World

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return world.stage()


@pytest.mark.parametrize("work", legitimate.WORK, ids=lambda work: f"{work.actor.name}: {work.name}")
def test_everyday_work(world: World, stage: Stage, work: Work) -> None:
    target = stage.make(work.target)
    work.do(Desk(world.plane, world.client, work.actor, target, f"payments-{next(_numbers)}"))


def test_there_is_enough_of_it() -> None:
    """60 were promised; and a third has to go on while we are down."""
    assert len(legitimate.WORK) >= 60
    assert sum(not work.changes_namespace for work in legitimate.WORK) >= 20
