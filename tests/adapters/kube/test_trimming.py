"""What is kept of an object is what decisions look at, and equal parts are kept once."""

import copy
from typing import Any

import pytest

from tests.adapters.kube.faults import manifest
from webhook.adapters.kube import resources, trimming
from webhook.adapters.kube.trimming import Trimmer
from webhook.core.model import Manifest

NAMESPACE = resources.NAMESPACES
QUOTA = resources.BUNDLE["ResourceQuota"]
POLICY = resources.BUNDLE["NetworkPolicy"]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def quota(name: str, **more: Any) -> Manifest:
    return {**manifest(name, namespace=name, kind="ResourceQuota"), "spec": {"hard": {"pods": "10"}}, **more}


def test_what_no_decision_looks_at_is_dropped_and_the_original_is_left_alone() -> None:
    whole = manifest()
    whole["metadata"]["managedFields"] = [{"manager": "ns-provisioner"}]
    whole["metadata"]["annotations"] = {LAST_APPLIED: "{}", "platform/requested-by": "ann"}
    before = copy.deepcopy(whole)
    kept = Trimmer(NAMESPACE)(whole)
    assert kept["metadata"] == {
        **manifest()["metadata"],
        "annotations": {"platform/requested-by": "ann"},
    }
    assert whole == before


@pytest.mark.parametrize(
    ("resource", "status", "kept"),
    [
        pytest.param(
            NAMESPACE,
            {"phase": "Active", "conditions": [{"type": "Provisioned"}]},
            {"phase": "Active", "conditions": [{"type": "Provisioned"}]},
            id="a namespace's is kept",
        ),
        pytest.param(
            QUOTA,
            {"hard": {"pods": "10"}, "used": {"pods": "3"}},
            {"used": {"pods": "3"}},
            id="of a quota, what is used",
        ),
        pytest.param(QUOTA, {"hard": {"pods": "10"}}, None, id="of a quota nobody has counted yet, nothing"),
        pytest.param(POLICY, {"conditions": [{"type": "Accepted"}]}, None, id="of another kind, nothing"),
        pytest.param(QUOTA, {}, None, id="an empty one is none"),
    ],
)
def test_of_a_status_only_what_somebody_looks_at_is_kept(
    resource: resources.Resource, status: Manifest, kept: Manifest | None
) -> None:
    assert Trimmer(resource)({**manifest(), "status": status}).get("status") == kept


def test_the_items_of_a_list_get_their_kind() -> None:
    item = manifest("x", namespace="a")
    del item["kind"], item["apiVersion"]
    kept = Trimmer(POLICY)(item)
    assert (kept["apiVersion"], kept["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")


def test_equal_parts_of_different_objects_are_one_object() -> None:
    trim = Trimmer(QUOTA)
    one, two = trim(quota("one")), trim(quota("two"))
    assert one["spec"] is two["spec"]
    assert one["metadata"]["labels"] is two["metadata"]["labels"]
    assert one["metadata"]["creationTimestamp"] is two["metadata"]["creationTimestamp"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(1, True, id="a number and a truth value"),
        pytest.param(1, 1.0, id="an integer and a fraction"),
        pytest.param("1", 1, id="a text and a number"),
        pytest.param([], {}, id="an empty list and an empty map"),
        pytest.param(None, "null", id="nothing and a word"),
    ],
)
def test_parts_that_only_look_alike_are_not_mistaken_for_each_other(one: Any, two: Any) -> None:
    trim = Trimmer(QUOTA)
    kept = [trim(quota("x", spec={"hard": value}))["spec"]["hard"] for value in (one, two)]
    assert kept == [one, two]
    assert [type(value) for value in kept] == [type(one), type(two)]


def test_memory_of_parts_is_bounded_and_what_was_forgotten_is_shared_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trimming, "SHARED_PARTS", 3)
    trim = Trimmer(QUOTA)
    for number in range(10):
        assert trim(quota("x", spec={"hard": {"pods": str(number)}}))["spec"]["hard"]["pods"] == str(number)
        assert len(trim._parts) <= 3
    assert trim(quota("a"))["spec"] is trim(quota("b"))["spec"]


def test_a_long_part_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "SHARED_BYTES", 100)
    trim = Trimmer(QUOTA)
    long = {"hard": {"pods": "1" * 100}}
    kept = [trim(quota(name, spec=copy.deepcopy(long)))["spec"] for name in ("one", "two")]
    assert kept == [long, long]
    assert kept[0] is not kept[1]
