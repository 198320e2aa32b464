"""The store keeps the newest it was told of each object, and nothing that nobody looks at."""

import pytest

from tests.adapters.kube.faults import manifest
from webhook.adapters.kube.store import Key, Store, key_of

KEY = Key("", "payments")


@pytest.mark.parametrize(
    ("version", "uid", "news"),
    [
        pytest.param(11, "one", True, id="a newer version is news"),
        pytest.param(10, "one", False, id="the same version is not"),
        pytest.param(9, "one", False, id="an older version is not"),
        pytest.param(100, "one", True, id="versions are compared as numbers"),
        pytest.param(11, "two", True, id="a namesake made later is news"),
        pytest.param(9, "two", False, id="a late event of a namesake that is gone is not"),
    ],
)
def test_of_two_versions_the_newer_is_kept(version: int, uid: str, news: bool) -> None:
    store = Store()
    first, second = manifest(version=10, uid="one"), manifest(version=version, uid=uid)
    assert store.put(first)
    assert store.put(second) is news
    assert store.get(KEY) == (second if news else first)
    assert store.in_namespace("") == {"payments": store.get(KEY)}


@pytest.mark.parametrize(
    ("uid", "removed"),
    [
        pytest.param(None, True, id="without a uid, whatever is there"),
        pytest.param("one", True, id="with its uid"),
        pytest.param("two", False, id="not with the uid of a namesake"),
    ],
)
def test_remove(uid: str | None, removed: bool) -> None:
    store = Store()
    store.put(manifest(uid="one"))
    assert store.remove(KEY, uid=uid) is removed
    assert len(store) == (0 if removed else 1)
    assert bool(store.in_namespace("")) is not removed


def test_what_is_not_there_cannot_be_removed() -> None:
    assert not Store().remove(KEY)


def test_objects_are_found_by_namespace() -> None:
    store = Store()
    for namespace, name in (("a", "x"), ("a", "y"), ("b", "x")):
        store.put(manifest(name, namespace=namespace))
    assert sorted(store.in_namespace("a")) == ["x", "y"]
    assert list(store.in_namespace("b")) == ["x"]
    assert store.in_namespace("c") == {}
    assert sorted(store) == [Key("a", "x"), Key("a", "y"), Key("b", "x")]
    store.remove(Key("a", "x"))
    assert list(store.in_namespace("a")) == ["y"]


def test_the_store_can_be_emptied_while_it_is_gone_through() -> None:
    store = Store()
    for name in "abc":
        store.put(manifest(name))
    for key in store:
        store.remove(key)
    assert len(store) == 0


def test_what_no_decision_looks_at_is_dropped_and_the_original_is_left_alone() -> None:
    last_applied = "kubectl.kubernetes.io/last-applied-configuration"
    whole = manifest()
    whole["metadata"]["managedFields"] = [{"manager": "ns-provisioner"}]
    whole["metadata"]["annotations"] = {last_applied: "{}", "platform/requested-by": "ann"}
    whole["status"] = {"phase": "Active"}
    store = Store()
    store.put(whole)
    kept = store.get(KEY)
    assert kept is not None
    assert "managedFields" not in kept["metadata"]
    assert kept["metadata"]["annotations"] == {"platform/requested-by": "ann"}
    assert kept["status"] == {"phase": "Active"}
    assert set(whole["metadata"]["annotations"]) == {last_applied, "platform/requested-by"}
    assert "managedFields" in whole["metadata"]


def test_the_key_of_an_object() -> None:
    assert key_of(manifest()) == Key("", "payments")
    assert key_of(manifest("default", namespace="payments")) == Key("payments", "default")
