"""What the cluster itself does to namespaces of ours, and to what is in them."""

from tests.attack import actors
from tests.attack.client import Request
from tests.attack.stage import COLLECTIONS, Target
from tests.attack.words import Manifest
from tests.attack.world import World
from tools.controlplane import waiting

_LIMIT_SECONDS = 30.0


def test_a_quota_counts_what_is_made(world: World) -> None:
    """Quota admission and the quota controller write the status of an object of ours."""
    target = world.stage().make("managed")
    container = {"name": "app", "image": "example.com/app"}
    pod = {"metadata": {"name": "app"}, "spec": {"containers": [container]}}
    pods = f"{target.path}/pods"
    waiting.until(
        lambda: not world.client.send(Request("POST", pods, pod), actors.MEMBER, dry_run=True).refused,
        "the default account of a new namespace to be there",
        [],
        limit=_LIMIT_SECONDS,
    )
    world.client.must(Request("POST", pods, pod), actors.MEMBER)
    assert _used(world, target) == "1"
    world.client.must(Request("DELETE", f"{pods}/app", {"gracePeriodSeconds": 0}), actors.MEMBER)
    waiting.until(
        lambda: _used(world, target) == "0", "the controller to count again", [], limit=_LIMIT_SECONDS
    )


def _used(world: World, target: Target) -> str:
    quota = world.client.must(Request("GET", f"{target.path}/resourcequotas/default"))
    return str(quota["status"]["used"]["pods"])


def test_the_garbage_collector_removes_what_a_tenants_object_owned(world: World) -> None:
    target = world.stage().make("managed")
    collection = COLLECTIONS["ConfigMap"].format(target.name)
    owner = world.client.must(Request("POST", collection, _config_map("owner")), actors.MEMBER)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = _config_map("owned", ownerReferences=[{**reference, "blockOwnerDeletion": True}])
    world.client.must(Request("POST", collection, owned), actors.MEMBER)
    foreground = {"propagationPolicy": "Foreground"}
    world.client.must(Request("DELETE", f"{collection}/owner", foreground), actors.MEMBER)
    for name in ("owned", "owner"):
        path = f"{collection}/{name}"
        waiting.until(lambda path=path: world.client.get(path) is None, f"{name} to go", [])  # type: ignore[misc]


def _config_map(name: str, **more: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}}


def test_every_namespace_gets_the_clusters_own_objects(world: World) -> None:
    target = world.stage().make("bare")
    for path in ("configmaps/kube-root-ca.crt", "serviceaccounts/default"):
        waiting.until(
            lambda path=path: world.client.get(f"{target.path}/{path}") is not None,  # type: ignore[misc]
            f"{path} to be there",
            [],
            limit=_LIMIT_SECONDS,
        )


def test_the_namespace_controller_empties_and_removes_a_namespace_with_its_bundle(world: World) -> None:
    target = world.stage().make("managed")
    world.client.must(Request("DELETE", target.path), actors.MEMBER)
    waiting.until(lambda: world.client.get(target.path) is None, "the namespace to go", [])
