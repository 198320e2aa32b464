"""The store keeps the newest it was told of each object, and finds it by namespace and by label."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.kube.faults import manifest
from webhook.adapters.kube import resources
from webhook.adapters.kube.store import Key, Store, key_of
from webhook.core import labels
from webhook.core.model import Manifest

KEY = Key("", "payments")


def empty() -> Store:
    return Store(resources.NAMESPACES, index=labels.TEAM)


def of_team(team: str | None, name: str = "payments", version: int = 1, *, uid: str = "") -> Manifest:
    made = manifest(name, version, uid=uid)
    if team is not None:
        made["metadata"]["labels"][labels.TEAM] = team
    return made


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
    store = empty()
    first, second = manifest(version=10, uid="one"), manifest(version=version, uid=uid)
    assert store.put(first)
    assert store.put(second) is news
    assert store.get(KEY) == (second if news else first)
    assert store.in_namespace("") == {"payments": store.get(KEY)}
    assert len(store) == 1


@pytest.mark.parametrize(
    ("uid", "removed"),
    [
        pytest.param(None, True, id="without a uid, whatever is there"),
        pytest.param("one", True, id="with its uid"),
        pytest.param("two", False, id="not with the uid of a namesake"),
    ],
)
def test_remove(uid: str | None, removed: bool) -> None:
    store = empty()
    store.put(manifest(uid="one"))
    assert store.remove(KEY, uid=uid) is removed
    assert len(store) == (0 if removed else 1)
    assert bool(store.in_namespace("")) is not removed


def test_what_is_not_there_cannot_be_removed() -> None:
    assert not empty().remove(KEY)


def test_objects_are_found_by_namespace() -> None:
    store = Store(resources.BUNDLE["LimitRange"])
    for namespace, name in (("a", "x"), ("a", "y"), ("b", "x")):
        store.put(manifest(name, namespace=namespace))
    assert sorted(store.in_namespace("a")) == ["x", "y"]
    assert list(store.in_namespace("b")) == ["x"]
    assert store.in_namespace("c") == {}
    assert sorted(store) == [Key("a", "x"), Key("a", "y"), Key("b", "x")]
    store.remove(Key("a", "x"))
    assert list(store.in_namespace("a")) == ["y"]


def test_the_store_can_be_emptied_while_it_is_gone_through() -> None:
    store = empty()
    for name in "abc":
        store.put(manifest(name))
    for key in store:
        store.remove(key)
    assert len(store) == 0


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"metadata": {"name": "payments", "resourceVersion": "5"}}, id="no uid"),
        pytest.param({"metadata": {"name": "payments", "uid": "u"}}, id="no version"),
        pytest.param({"metadata": {"name": "payments", "uid": "u", "resourceVersion": "x"}}, id="no number"),
        pytest.param({"metadata": []}, id="metadata that is a list"),
    ],
)
def test_of_what_is_no_object_nothing_is_kept(broken: Manifest) -> None:
    store = empty()
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        store.put(broken)
    assert len(store) == 0
    assert store.in_namespace("") == {}


def test_what_says_the_same_as_what_is_known_is_kept_as_the_known_object() -> None:
    store = empty()
    store.put(manifest(version=5))
    assert store.kept(manifest(version=5)) is store.get(KEY)
    assert store.kept(manifest(version=6)) is not store.get(KEY)


def test_replacing_tells_what_differs_with_what_was_known_before() -> None:
    store = empty()
    for name in ("same", "changed", "older", "gone"):
        store.put(of_team("one", name, 50))
    before = {key.name: store.get(key) for key in store}
    after = [
        of_team("one", "same", 50),
        of_team("two", "changed", 60),
        of_team("two", "older", 40),
        of_team("one", "new", 70),
    ]
    changed = store.replace({key_of(it): store.kept(it) for it in after})
    assert {key.name: was for key, was in changed.items()} == {
        "gone": before["gone"],
        "changed": before["changed"],
        "older": before["older"],
        "new": None,
    }
    assert {key.name: store.get(key) for key in store} == {it["metadata"]["name"]: it for it in after}
    assert store.get(Key("", "same")) is before["same"]


def test_the_key_of_an_object() -> None:
    assert key_of(manifest()) == Key("", "payments")
    assert key_of(manifest("default", namespace="payments")) == Key("payments", "default")


_TEAMS = st.sampled_from([None, "", "red", "blue"])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abc"), st.integers(1, 9), _TEAMS),
        st.tuples(st.just("remove"), st.sampled_from("abc"), st.just(0), st.none()),
        st.tuples(st.just("replace"), st.sampled_from(["", "ab", "c", "abc"]), st.integers(1, 9), _TEAMS),
    ),
    max_size=12,
)


@given(_STEPS)
def test_whatever_is_done_the_index_and_the_size_agree_with_the_objects(
    steps: list[tuple[str, str, int, str | None]],
) -> None:
    store = empty()
    for step, names, version, team in steps:
        if step == "put":
            store.put(of_team(team, names, version))
        elif step == "remove":
            store.remove(Key("", names))
        else:
            store.replace({Key("", name): of_team(team, name, version) for name in names})
        _check(store, store.in_namespace(""))


def _check(store: Store, objects: Mapping[str, Manifest]) -> None:
    assert len(store) == len(objects) == len(list(store))
    for team in ("", "red", "blue"):
        expected = [it for it in objects.values() if it["metadata"]["labels"].get(labels.TEAM) == team]
        assert sorted(it["metadata"]["name"] for it in store.labelled(team)) == sorted(
            it["metadata"]["name"] for it in expected
        )
        assert all(any(it is other for other in expected) for it in store.labelled(team))
