"""The ValidatingAdmissionPolicies beside those that the catalogue makes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.diagnosis.healthy import FORBIDDEN, findings, stored, troubles
from webhook.core.diagnosis import guards
from webhook.core.diagnosis.model import Reply

AGAIN = "apply them anew: helm upgrade, or nsp policy vap | kubectl apply -f -"
POLICIES, BINDINGS = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> Reply:
    """What is stored, with a change to the first one, which is for namespaces."""
    items = copy.deepcopy(stored(kind).items())
    change(items[0])
    return Reply({"items": items})


def test_all_four_are_told_of() -> None:
    assert [what for _, what, _ in findings("policies")] == [
        f"{kind} ns-provisioner-{what} is as the catalogue makes it"
        for what in ("namespaces", "objects")
        for kind in (POLICIES, BINDINGS)
    ]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param(lambda it: it["spec"]["validations"].pop(), "validations", id="a rule less"),
        pytest.param(
            lambda it: it["spec"]["validations"][0].update(expression="true"),
            "validations",
            id="a rule that always holds",
        ),
        pytest.param(
            lambda it: it["spec"]["matchConditions"].append({"name": "x", "expression": "false"}),
            "matchConditions",
            id="a condition more",
        ),
        pytest.param(
            lambda it: it["spec"].update(failurePolicy="Ignore"), "failurePolicy", id="failing open"
        ),
        pytest.param(
            lambda it: it["spec"]["matchConstraints"]["resourceRules"].pop(),
            "matchConstraints",
            id="a resource less",
        ),
        pytest.param(
            lambda it: (it["spec"].pop("variables"), it["spec"].pop("validations")),
            "variables, validations",
            id="parts that are not there",
        ),
    ],
)
def test_a_policy_that_differs(change: Callable[[dict[str, Any]], object], part: str) -> None:
    assert troubles("policies", policies=changed(POLICIES, change)) == [
        f"fail: {POLICIES} ns-provisioner-namespaces differs from the catalogue's in {part} -> {AGAIN}"
    ]


def test_a_binding_that_only_warns() -> None:
    warns = changed(BINDINGS, lambda it: it["spec"].update(validationActions=["Warn"]))
    assert troubles("policies", bindings=warns) == [
        f"fail: {BINDINGS} ns-provisioner-namespaces differs from the catalogue's in "
        f"validationActions -> {AGAIN}"
    ]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"policies": Reply({"items": stored(POLICIES).items()[1:]})}, POLICIES, id="a policy"),
        pytest.param({"bindings": Reply({"items": stored(BINDINGS).items()[1:]})}, BINDINGS, id="a binding"),
    ],
)
def test_one_that_is_not_there(changes: dict[str, Reply], kind: str) -> None:
    assert troubles("policies", **changes) == [
        f"fail: {kind} ns-provisioner-namespaces is not there: while no admission pod runs, nothing guards "
        f"namespaces -> {AGAIN}"
    ]


def test_what_the_api_server_finds_fault_with() -> None:
    warning = {"fieldRef": "spec.validations[0].expression", "warning": "v1, Kind=X:\n ERROR: no such field"}
    faulty = changed(POLICIES, lambda it: it["status"].update(typeChecking={"expressionWarnings": [warning]}))
    assert troubles("policies", policies=faulty) == [
        f"warn: {POLICIES} ns-provisioner-namespaces: the API server finds fault with "
        f"spec.validations[0].expression: v1, Kind=X: ERROR: no such field -> {AGAIN}"
    ]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        pytest.param(
            {"app.kubernetes.io/managed-by": "ns-provisioner"},
            [
                f"warn: {POLICIES} ns-provisioner-namespaces-warn is left over from another "
                "catalogue, and still "
                "in force -> kubectl delete validatingadmissionpolicy ns-provisioner-namespaces-warn"
            ],
            id="of ours",
        ),
        pytest.param({}, [], id="of somebody else's"),
    ],
)
def test_one_more(labels: dict[str, str], told: list[str]) -> None:
    more = {"metadata": {"name": "ns-provisioner-namespaces-warn", "labels": labels}, "spec": {}}
    assert troubles("policies", policies=Reply({"items": [*stored(POLICIES).items(), more]})) == told


@pytest.mark.parametrize(
    ("field", "what"),
    [("policies", "the ValidatingAdmissionPolicies"), ("bindings", "their bindings")],
)
def test_what_cannot_be_seen_is_not_called_missing(field: str, what: str) -> None:
    assert troubles("policies", **{field: FORBIDDEN}) == [
        f"warn: {what} could not be looked at: 403 Forbidden: you cannot -> "
        "ask as somebody who may, for instance a cluster admin"
    ]


@pytest.mark.parametrize(
    ("found", "wanted", "holds"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="more keys are defaults"),
        pytest.param({"b": 2}, {"a": 1}, False, id="a missing key"),
        pytest.param([1, 2], [1], False, id="a longer list says more"),
        pytest.param([{"a": 1, "b": 2}], [{"a": 1}], True, id="defaults inside of a list"),
        pytest.param(None, [], False, id="nothing instead of a list"),
        pytest.param("x", {"a": 1}, False, id="a text instead of a mapping"),
    ],
)
def test_what_was_sent_is_looked_for_in_what_is_stored(found: Any, wanted: Any, holds: bool) -> None:
    assert guards.has(found, wanted) is holds
