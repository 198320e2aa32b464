"""Every damage is one: on each kind, in each way, and never twice on the same object."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.scale import catalogues, damage
from tools.scale.damage import Way
from webhook.adapters import catalogue_file
from webhook.core import bundle, labels, plan
from webhook.core.model import Manifest, ObjectKey, key_of

KEYS = [ObjectKey("LimitRange", "default"), ObjectKey("RoleBinding", "team-edit")]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """A bundle with an object of every kind."""
    file = catalogues.write(tmp_path_factory.mktemp("catalogue") / "catalogue.json", extra=True)
    tier = catalogue_file.load(file).tiers["small"]
    return list(bundle.render("a-name", "a-team", tier, quota=tier.quota, group="a-group").objects)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        result.pop(key, None)
        if value is not None:
            result[key] = merged((target or {}).get(key), value)
    return result


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.DELETE])
def test_what_was_damaged_needs_a_repair(objects: list[Manifest], way: Way) -> None:
    for manifest in objects:
        changed = merged(manifest, damage.patch(way, manifest))
        assert damage.essence(changed) != damage.essence(manifest), key_of(manifest)
        unlabelled = labels.MANAGED_BY not in changed["metadata"]["labels"]
        assert unlabelled or plan.action(manifest, changed) is not None, key_of(manifest)


def test_a_deletion_has_no_patch(objects: list[Manifest]) -> None:
    assert {damage.patch(Way.DELETE, manifest) is None for manifest in objects} == {True}


def test_every_kind_of_a_bundle_is_there(objects: list[Manifest]) -> None:
    kinds = {"LimitRange", "ResourceQuota", "NetworkPolicy", "RoleBinding", "ConfigMap"}
    assert {manifest["kind"] for manifest in objects} == kinds


@given(st.integers(0, 2**16), st.integers(1, 40))
def test_no_object_is_damaged_twice_and_all_ways_take_turns(seed: int, count: int) -> None:
    found = damage.spread([f"n-{number}" for number in range(20)], KEYS, count, seed=seed)
    assert len({each.place for each in found}) == len(found) == count
    turns = [sum(each.way is way for each in found) for way in Way]
    assert max(turns) - min(turns) <= 1


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"metadata": {"uid": "2", "resourceVersion": "9"}}, True, id="another object like it"),
        pytest.param({"status": {"used": {"pods": "1"}}}, True, id="what Kubernetes counts"),
        pytest.param({"metadata": {"labels": {"a": "c"}}}, False, id="another label"),
        pytest.param({"metadata": {"annotations": {"x": "y"}}}, False, id="a further annotation"),
        pytest.param({"spec": {"hard": {"pods": "2"}}}, False, id="another value"),
    ],
)
def test_what_counts_as_the_same_again(change: Manifest, same: bool) -> None:
    metadata = {"uid": "1", "resourceVersion": "1", "labels": {"a": "b"}}
    before = {"kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "1"}}}
    assert (damage.essence(merged(before, change)) == damage.essence(before)) is same


def test_a_place_knows_its_path() -> None:
    place = damage.Place("a", ObjectKey("NetworkPolicy", "p"))
    assert place.path == "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/p"


def test_a_touched_catalogue_gives_other_bytes_and_the_same_bundles(tmp_path: Path) -> None:
    file = catalogues.write(tmp_path / "catalogue.json")
    before = catalogue_file.load(file)
    catalogues.touch(file)
    after = catalogue_file.load(file)
    assert after != before
    assert after.tiers == before.tiers
