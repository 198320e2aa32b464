"""Deletion of a namespace always finishes, and never changes whose it was."""

import contextlib
import time

import pytest

from tests.attack import actors, changes, doors, oracle
from tests.attack.client import Request
from tests.attack.stage import Target
from tests.attack.world import World
from tools.controlplane import waiting

pytestmark = pytest.mark.timeout(600)

COUNT, LIMIT_SECONDS = 50, 10.0
_MERGE = "application/merge-patch+json"


def test_fifty_namespaces_finish_their_deletion_while_all_replicas_are_stopped(world: World) -> None:
    """Five seconds of it are a grace that Kubernetes' own controller has built in.

    On a machine that is too busy for the limit, it is measured by the same with nothing of ours at all.
    """
    targets = _namespaces(world)
    with world.stopped():
        took = _deletion(world, targets)
    if took > LIMIT_SECONDS:
        targets = _namespaces(world)
        with world.unhooked():
            world.impose([])
            assert took <= 2 * _deletion(world, targets)


def _namespaces(world: World) -> list[Target]:
    stage = world.stage()
    return [stage.make("managed") for _ in range(COUNT)]


def _deletion(world: World, targets: list[Target]) -> float:
    """Seconds until all of them are gone."""
    begin = time.monotonic()
    for target in targets:
        world.client.must(Request("DELETE", target.path), actors.MEMBER)
    waiting.until(lambda: not _left(world, targets), f"{len(targets)} namespaces to go", [])
    return time.monotonic() - begin


def _left(world: World, targets: list[Target]) -> set[str]:
    items = world.client.must(Request("GET", "/api/v1/namespaces"))["items"]
    return {item["metadata"]["name"] for item in items} & {target.name for target in targets}


@pytest.mark.parametrize("answers", [True, False], ids=["while we answer", "while all replicas are stopped"])
def test_a_namespace_that_is_held_keeps_its_owner_until_its_finalizer_is_gone(
    world: World, *, answers: bool
) -> None:
    target = world.stage().make("terminating")
    takeover = next(change for change in changes.IDENTITY if change.name == "other team")
    request = doors.PATCHES[2].request(target.namespace, takeover.wanted(target.namespace), target.path)
    assert request is not None
    with contextlib.nullcontext() if answers else world.stopped():
        refused = [world.client.send(request, actor).refused for actor in actors.ATTACKERS]
    assert all(refused)
    assert oracle.namespace_thefts(target.namespace, world.client.get(target.path), actors.STRANGER) == []
    world.client.must(Request("PATCH", target.path, {"metadata": {"finalizers": []}}, _MERGE), actors.MEMBER)
    waiting.until(lambda: world.client.get(target.path) is None, "the deletion to finish", [], limit=30)
