"""A way round that was open once: emptying `spec.finalizers`, by which Kubernetes empties a namespace."""

import pytest

from tests.attack import difference
from tests.attack.actors import ADMIN, MEMBER, STRANGER
from tests.attack.client import Request
from tests.attack.objectcreations import BODIES
from tests.attack.stage import COLLECTIONS, Target
from tests.attack.words import TEAM
from tests.attack.world import World
from tools.controlplane import waiting


@pytest.fixture
def target(world: World) -> Target:
    return world.stage().make("managed")


def _emptied(target: Target) -> Request:
    """Takes away the finalizer by which Kubernetes empties a namespace before it goes."""
    manifest = {**difference.plain(target.namespace), "spec": {"finalizers": []}}
    return Request("PUT", f"{target.path}/finalize", manifest)


def test_another_team_cannot_keep_a_namespace_from_being_emptied(world: World, target: Target) -> None:
    assert world.client.send(_emptied(target), STRANGER).refused


def test_a_team_leaves_nothing_behind_in_a_name_that_another_team_gets(world: World, target: Target) -> None:
    bindings = COLLECTIONS["RoleBinding"].format(target.name)
    backdoor = {
        **BODIES["RoleBinding"],
        "kind": "RoleBinding",
        "metadata": {"name": "backdoor"},
    }
    world.client.must(Request("POST", bindings, backdoor), MEMBER)
    world.client.send(_emptied(target), MEMBER)

    def gone() -> bool:
        world.client.send(Request("DELETE", target.path), MEMBER)
        return world.client.get(target.path) is None

    waiting.until(gone, "the namespace to go", [])
    again = {"metadata": {"name": target.name, "labels": {TEAM: "shop"}}}
    world.client.must(Request("POST", "/api/v1/namespaces", again), ADMIN)
    assert world.client.get(f"{bindings}/backdoor") is None
