"""Which difference is mended how."""

import copy
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.builders import POLICY, rendered, written
from webhook.core import bundle, labels, plan, quantity
from webhook.core.model import Action, Change, Manifest, ObjectKey, key_of

BUNDLE = rendered()
Drift = Callable[[Manifest], object]

LIMITS, QUOTA = ObjectKey("LimitRange", "default"), ObjectKey("ResourceQuota", "default")
DENY = ObjectKey("NetworkPolicy", "default-deny-all")
SAME = ObjectKey("NetworkPolicy", "allow-same-namespace")
DNS = ObjectKey("NetworkPolicy", "allow-dns-egress")
BINDING = ObjectKey("RoleBinding", "team-edit")


def observed() -> dict[ObjectKey, Manifest]:
    """What a namespace holds that has its bundle."""
    return {key_of(item): copy.deepcopy(written(item)) for item in BUNDLE.objects}


def _actions(cluster: dict[ObjectKey, Manifest]) -> dict[ObjectKey, Action]:
    found = plan.changes(BUNDLE, cluster, was_complete=False)
    return {key_of(change.manifest): change.action for change in found}


def _after(key: ObjectKey, drift: Drift) -> dict[ObjectKey, Action]:
    cluster = observed()
    drift(cluster[key])
    return _actions(cluster)


def test_a_namespace_that_has_its_bundle_needs_nothing() -> None:
    assert plan.changes(BUNDLE, observed(), was_complete=False) == ()


def test_a_bundle_against_itself_needs_nothing() -> None:
    assert plan.changes(BUNDLE, {key_of(item): item for item in BUNDLE.objects}, was_complete=False) == ()


def test_an_empty_namespace_needs_everything_in_order() -> None:
    found = plan.changes(BUNDLE, {}, was_complete=False)
    assert [change.action for change in found] == [Action.CREATE] * 6
    assert tuple(change.manifest for change in found) == BUNDLE.objects
    assert {id(change.observed) for change in found} == {id(None)}


@pytest.mark.parametrize("key", [key_of(item) for item in BUNDLE.objects], ids=str)
def test_one_that_is_missing_is_created(key: ObjectKey) -> None:
    cluster = observed()
    del cluster[key]
    assert _actions(cluster) == {key: Action.CREATE}


def _set(*path: Any, to: Any) -> Drift:
    def change(manifest: Manifest) -> None:
        target: Any = manifest
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = to

    return change


def _drop(*path: Any) -> Drift:
    def change(manifest: Manifest) -> None:
        target: Any = manifest
        for step in path[:-1]:
            target = target[step]
        del target[path[-1]]

    return change


ANYBODY = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}
ADMIN_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
REVISION, MANAGED_BY = "platform/tier-revision", "app.kubernetes.io/managed-by"


@pytest.mark.parametrize(
    ("key", "drift", "action"),
    [
        pytest.param(
            QUOTA, _set("spec", "hard", "pods", to="9999"), Action.REPLACE, id="a quota has another value"
        ),
        pytest.param(QUOTA, _drop("spec", "hard", "pods"), Action.APPLY, id="a quota lacks a key"),
        pytest.param(QUOTA, _drop("spec"), Action.APPLY, id="a quota lacks its spec"),
        pytest.param(
            QUOTA,
            _set("spec", "hard", "secrets", to="5"),
            Action.REPLACE,
            id="a quota has a key of somebody's",
        ),
        pytest.param(
            QUOTA,
            _set("spec", "scopes", to=["BestEffort"]),
            Action.REPLACE,
            id="a quota counts only some pods",
        ),
        pytest.param(
            QUOTA, _set("spec", "hard", "pods", to="a lot"), Action.REPLACE, id="a quota is no number"
        ),
        pytest.param(
            LIMITS,
            _set("spec", "limits", 0, "default", "cpu", to="64"),
            Action.REPLACE,
            id="a default limit was raised",
        ),
        pytest.param(
            LIMITS,
            _drop("spec", "limits", 0, "default", "cpu"),
            Action.APPLY,
            id="a default limit is missing",
        ),
        pytest.param(
            LIMITS,
            _set("spec", "limits", 0, "max", to={"cpu": "1"}),
            Action.REPLACE,
            id="a maximum was added",
        ),
        pytest.param(
            LIMITS,
            lambda item: item["spec"]["limits"].append({"type": "Pod"}),
            Action.REPLACE,
            id="a second limit was added",
        ),
        pytest.param(LIMITS, _set("spec", "limits", to=[]), Action.REPLACE, id="the limits were emptied"),
        pytest.param(
            DENY,
            _set("spec", "ingress", to=[{}]),
            Action.REPLACE,
            id="deny-all was opened by an ingress rule",
        ),
        pytest.param(
            DENY, _set("spec", "egress", to=[]), Action.REPLACE, id="deny-all got a rule that says nothing"
        ),
        pytest.param(
            DENY,
            _set("spec", "podSelector", to={"matchLabels": {"a": "b"}}),
            Action.REPLACE,
            id="deny-all was narrowed to some pods",
        ),
        pytest.param(
            DENY, _set("spec", "policyTypes", to=["Ingress"]), Action.REPLACE, id="deny-all lost a direction"
        ),
        pytest.param(
            SAME,
            lambda item: item["spec"]["ingress"][0]["from"].append({"namespaceSelector": {}}),
            Action.REPLACE,
            id="another peer was let in",
        ),
        pytest.param(SAME, _drop("spec", "egress"), Action.APPLY, id="a rule was taken away"),
        pytest.param(
            DNS, _set("spec", "egress", 0, "ports", 0, "port", to=54), Action.REPLACE, id="a port was changed"
        ),
        pytest.param(
            BINDING, lambda item: item["subjects"].append(ANYBODY), Action.REPLACE, id="a subject was added"
        ),
        pytest.param(BINDING, _set("subjects", to=[]), Action.REPLACE, id="the subjects were emptied"),
        pytest.param(BINDING, _drop("subjects"), Action.APPLY, id="the subjects were removed"),
        pytest.param(
            BINDING, _set("subjects", 0, "name", to="team-other"), Action.REPLACE, id="a subject was replaced"
        ),
        pytest.param(BINDING, _set("roleRef", to=ADMIN_ROLE), Action.RECREATE, id="the role was changed"),
        pytest.param(
            QUOTA, _drop("metadata", "labels", REVISION), Action.APPLY, id="our revision label was removed"
        ),
        pytest.param(QUOTA, _drop("metadata", "labels"), Action.APPLY, id="all labels were removed"),
        pytest.param(QUOTA, _set("metadata", "labels", to=None), Action.APPLY, id="the labels became null"),
        pytest.param(
            DENY,
            _set("metadata", "labels", MANAGED_BY, to="Helm"),
            Action.APPLY,
            id="our manager label was changed",
        ),
        pytest.param(
            BINDING,
            _set("metadata", "labels", REVISION, to="0"),
            Action.APPLY,
            id="it is of an older revision",
        ),
    ],
)
def test_drift_is_mended(key: ObjectKey, drift: Drift, action: Action) -> None:
    assert _after(key, drift) == {key: action}


@pytest.mark.parametrize(
    ("key", "drift"),
    [
        pytest.param(
            QUOTA, _set("spec", "hard", "limits.cpu", to="8000m"), id="an equal quota, written otherwise"
        ),
        pytest.param(
            LIMITS,
            _set("spec", "limits", 0, "default", "cpu", to="0.5"),
            id="an equal limit, written otherwise",
        ),
        pytest.param(QUOTA, _set("status", to={"used": {"pods": "3"}}), id="the usage in the status"),
        pytest.param(QUOTA, _set("metadata", "labels", "team-note", to="x"), id="a foreign label"),
        pytest.param(QUOTA, _set("metadata", "annotations", to={"note": "x"}), id="a foreign annotation"),
        pytest.param(QUOTA, _set("metadata", "managedFields", to=[]), id="who manages which field"),
    ],
)
def test_what_is_not_ours_is_left_alone(key: ObjectKey, drift: Drift) -> None:
    assert _after(key, drift) == {}


def test_network_policies_are_compared_to_the_letter() -> None:
    """`53` and `"53"` are one quantity but two different ports."""
    assert _after(DNS, _set("spec", "egress", 0, "ports", 0, "port", to="53")) == {DNS: Action.REPLACE}


def test_the_changes_come_in_the_order_of_the_bundle_and_say_what_they_saw() -> None:
    cluster = observed()
    cluster[BINDING]["subjects"].append(ANYBODY)
    del cluster[LIMITS]
    found = plan.changes(BUNDLE, cluster, was_complete=False)
    assert [change.action for change in found] == [Action.CREATE, Action.REPLACE]
    assert [change.observed for change in found] == [None, cluster[BINDING]]


def test_objects_of_others_are_ignored() -> None:
    foreign = {"kind": "NetworkPolicy", "metadata": {"name": "theirs"}, "spec": {}}
    assert _actions(observed() | {key_of(foreign): foreign}) == {}


def test_another_tier_changes_what_differs_and_restamps_the_rest() -> None:
    large = POLICY.tiers["large"]
    other = bundle.render("payments", "payments", large, quota=large.quota, group="team-payments")
    found = plan.changes(other, observed(), was_complete=False)
    assert {key_of(change.manifest): change.action for change in found} == {
        LIMITS: Action.REPLACE,
        QUOTA: Action.REPLACE,
        DENY: Action.APPLY,
        SAME: Action.APPLY,
        DNS: Action.APPLY,
        BINDING: Action.APPLY,
    }


_FACTORS = {
    suffix: quantity.parse(f"1{suffix}") for suffix in ("n", "u", "m", "", "k", "Ki", "Mi", "e3", "e-3")
}


def _spelled(text: str, suffix: str) -> str | None:
    """The same quantity in another unit, where that comes out in 15 decimals."""
    tenths = quantity.parse(text) / _FACTORS[suffix] * 10**15
    if tenths.denominator != 1:
        return None
    whole, decimals = divmod(int(tenths), 10**15)
    return f"{whole}.{decimals:015}{suffix}"


@settings(deadline=None)
@given(st.data())
def test_equal_quantities_are_never_written_again(data: st.DataObject) -> None:
    cluster = observed()
    limits = cluster[LIMITS]["spec"]["limits"][0]
    for values in (cluster[QUOTA]["spec"]["hard"], limits["default"], limits["defaultRequest"]):
        for name, value in values.items():
            spelling = _spelled(value, data.draw(st.sampled_from(sorted(_FACTORS))))
            values[name] = spelling or value
    assert plan.changes(BUNDLE, cluster, was_complete=False) == ()


@settings(deadline=None)
@given(
    st.sampled_from(["requests.cpu", "limits.memory", "pods"]),
    st.integers(0, 10**12),
    st.sampled_from(["", "m", "Mi"]),
)
def test_any_other_quantity_is_written(key: str, count: int, suffix: str) -> None:
    wanted = quantity.parse(BUNDLE.objects[1]["spec"]["hard"][key])
    value = f"{count}{suffix}"
    same = Fraction(count) * _FACTORS[suffix] == wanted
    assert _after(QUOTA, _set("spec", "hard", key, to=value)) == ({} if same else {QUOTA: Action.REPLACE})


def test_what_is_missing_from_a_namespace_that_was_complete_is_restored() -> None:
    found = plan.changes(BUNDLE, {}, was_complete=True)
    assert [(change.action, change.observed) for change in found] == [(Action.RESTORE, None)] * 6
    assert tuple(change.manifest for change in found) == BUNDLE.objects


def test_what_is_there_is_mended_the_same_way_in_a_new_namespace_and_in_one_that_was_complete() -> None:
    cluster = observed()
    cluster[BINDING]["subjects"].append(ANYBODY)
    del cluster[QUOTA]["spec"]["hard"]["pods"]
    del cluster[LIMITS]
    for was_complete, missing in ((False, Action.CREATE), (True, Action.RESTORE)):
        found = plan.changes(BUNDLE, cluster, was_complete=was_complete)
        assert [change.action for change in found] == [missing, Action.APPLY, Action.REPLACE]


def test_the_action_for_one_object_is_to_be_had_alone() -> None:
    """For what a sink finds in the place of an object that nobody had seen."""
    wanted = BUNDLE.objects[1]
    assert plan.action(wanted, written(wanted)) is None
    assert plan.action(wanted, {**written(wanted), "spec": {"hard": {"pods": "9999"}}}) is Action.REPLACE
    bare = written(wanted)
    assert plan.action(wanted, {**bare, "metadata": {"name": "default"}}) is Action.APPLY


def _extra(kind: str, name: str, *, revision: bool = True) -> tuple[ObjectKey, Manifest]:
    given = {labels.MANAGED_BY: labels.MANAGER, **({labels.TIER_REVISION: "former"} if revision else {})}
    found = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "uid": "1", "labels": given}}
    return ObjectKey(kind, name), found


def test_what_a_former_tier_had_goes_access_first_and_all_else_last() -> None:
    cluster = dict([_extra("ConfigMap", "note"), _extra("RoleBinding", "guests")])
    found = [(change.action, str(key_of(change.manifest))) for change in _changes(cluster)]
    assert found[0] == (Action.PRUNE, "RoleBinding/guests")
    assert found[-1] == (Action.PRUNE, "ConfigMap/note")
    assert [action for action, _ in found[1:-1]] == [Action.CREATE] * 6


def test_what_was_made_for_no_tier_is_left_alone() -> None:
    cluster = observed() | dict([_extra("ConfigMap", "note", revision=False)])
    assert _changes(cluster) == ()


def _changes(cluster: dict[ObjectKey, Manifest]) -> tuple[Change, ...]:
    return plan.changes(BUNDLE, cluster, was_complete=False)


@pytest.mark.parametrize(
    "tie",
    [
        pytest.param({"ownerReferences": [{"kind": "ConfigMap", "name": "gone", "uid": "1"}]}, id="an owner"),
        pytest.param({"finalizers": ["example.com/mine"]}, id="a finalizer"),
    ],
)
@pytest.mark.parametrize("key", [key_of(item) for item in BUNDLE.objects], ids=str)
def test_what_ties_an_object_to_somebody_elses_will_is_taken_off(key: ObjectKey, tie: Manifest) -> None:
    assert _after(key, lambda it: it["metadata"].update(tie)) == {key: Action.REPLACE}


@pytest.mark.parametrize(
    ("adoption", "same", "other"),
    [("Never", False, False), ("IfIdentical", True, False), ("Always", True, True)],
)
def test_who_becomes_ours(adoption: str, same: bool, other: bool) -> None:
    desired = next(item for item in BUNDLE.objects if key_of(item) == QUOTA)
    foreign = copy.deepcopy(written(desired))
    foreign["metadata"]["labels"] = {"made-by": "hand"}
    assert plan.may_adopt(desired, foreign, adoption) is same
    foreign["spec"]["hard"]["pods"] = "21"
    assert plan.may_adopt(desired, foreign, adoption) is other


def test_adoption_is_a_matter_of_the_catalogue() -> None:
    found = plan.changes(BUNDLE, {}, was_complete=False, adoption="IfIdentical")
    assert {change.adoption for change in found} == {"IfIdentical"}
