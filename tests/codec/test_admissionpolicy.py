"""The rendering of the ValidatingAdmissionPolicies; tests/attack tries on an API server what they say."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings

from tests.core.builders import CONTROLLER, FLUX, POLICY, policy
from tests.core.strategies import policies
from webhook.codec import admissionpolicy
from webhook.core.model import Manifest
from webhook.core.policy import Policy
from webhook.core.rules import MANAGED_OBJECTS, RULES

_RULE = re.compile(r"\[([a-z-]+)\] ")
_VARIABLE = re.compile(r"\bvariables\.(\w+)")

KEPT = {
    "reserved-name",
    "managed-labels-immutable",
    "pod-security-floor",
    "no-owner-references",
    "settings-by-owner",
    "finalizers-kept",
    "deletion-allowed",
    "deletion-protected",
}


def _by_name(rendered: list[Manifest]) -> dict[str, dict[str, Manifest]]:
    """Kind to name to manifest."""
    found: dict[str, dict[str, Manifest]] = {}
    for manifest in rendered:
        found.setdefault(manifest["kind"], {})[manifest["metadata"]["name"]] = manifest
    return found


def _rules(spec: Manifest) -> list[str]:
    """The rule that each validation of a policy is of, by its message."""
    said = (each.get("messageExpression") or each["message"] for each in spec["validations"])
    return [match.group(1) for text in said if (match := _RULE.search(text))]


def test_one_policy_for_namespaces_and_one_for_objects_each_bound_to_deny() -> None:
    found = _by_name(admissionpolicy.manifests(POLICY))
    names = ["ns-provisioner-namespaces", "ns-provisioner-objects"]
    assert list(found["ValidatingAdmissionPolicy"]) == names
    for name, binding in found["ValidatingAdmissionPolicyBinding"].items():
        assert binding["spec"] == {"policyName": name, "validationActions": ["Deny"]}
    assert len(found["ValidatingAdmissionPolicyBinding"]) == len(names)


def test_the_policies_fail_closed_and_match_every_door() -> None:
    found = _by_name(admissionpolicy.manifests(POLICY))["ValidatingAdmissionPolicy"]
    for manifest in found.values():
        assert manifest["spec"]["failurePolicy"] == "Fail"
        assert manifest["spec"]["matchConstraints"]["matchPolicy"] == "Equivalent"
    namespaces, objects = (each["spec"]["matchConstraints"] for each in found.values())
    assert {
        (operation, resource)
        for rule in namespaces["resourceRules"]
        for operation in rule["operations"]
        for resource in rule["resources"]
    } == {
        ("CREATE", "namespaces"),
        ("UPDATE", "namespaces"),
        ("DELETE", "namespaces"),
        ("UPDATE", "namespaces/status"),
        ("UPDATE", "namespaces/finalize"),
    }
    assert "objectSelector" not in namespaces
    assert "namespaceSelector" not in namespaces
    assert "namespaceSelector" not in objects
    assert objects["objectSelector"] == {"matchLabels": {"app.kubernetes.io/managed-by": "ns-provisioner"}}


def test_the_rules_that_the_policies_keep_in_the_order_in_which_the_webhook_tells_them() -> None:
    found = _by_name(admissionpolicy.manifests(POLICY))["ValidatingAdmissionPolicy"]
    namespaces, objects = (_rules(manifest["spec"]) for manifest in found.values())
    assert set(namespaces) == KEPT
    assert objects == [MANAGED_OBJECTS.id]
    assert set(namespaces) < {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        pytest.param(
            {"deletion-allowed": "warn"},
            {
                "namespaces": (KEPT - {"deletion-allowed"}, ["Deny"]),
                "namespaces-warn": ({"deletion-allowed"}, ["Warn", "Audit"]),
                "objects": ({"managed-objects"}, ["Deny"]),
            },
            id="a rule that warns moves to a policy of its own",
        ),
        pytest.param(
            {"pod-security-floor": "audit", "managed-objects": "audit"},
            {
                "namespaces": (KEPT - {"pod-security-floor"}, ["Deny"]),
                "namespaces-audit": ({"pod-security-floor"}, ["Audit"]),
                "objects-audit": ({"managed-objects"}, ["Audit"]),
            },
            id="a rule that is only noted is bound to the audit log",
        ),
        pytest.param(
            dict.fromkeys(KEPT, "warn"),
            {"namespaces-warn": (KEPT, ["Warn", "Audit"]), "objects": ({"managed-objects"}, ["Deny"])},
            id="a policy without rules is none",
        ),
        pytest.param(
            {"tier-exists": "warn"},
            {"namespaces": (KEPT, ["Deny"]), "objects": ({"managed-objects"}, ["Deny"])},
            id="the webhook's own rules are no matter",
        ),
    ],
)
def test_a_rule_has_the_mode_of_the_catalogue(modes: dict[str, str], expected: dict[str, Any]) -> None:
    found = _by_name(admissionpolicy.manifests(policy(modes=modes)))
    bindings = found["ValidatingAdmissionPolicyBinding"]
    assert {
        name.removeprefix("ns-provisioner-"): (
            set(_rules(manifest["spec"])),
            bindings[name]["spec"]["validationActions"],
        )
        for name, manifest in found["ValidatingAdmissionPolicy"].items()
    } == expected


def test_those_who_write_objects_are_the_controllers_the_appliers_and_the_system() -> None:
    """The quota controller and quota admission have to count, the others to finish deletions."""
    (objects,) = (
        each
        for each in admissionpolicy.manifests(policy())
        if each["metadata"]["name"].endswith("objects")
        if each["kind"] == "ValidatingAdmissionPolicy"
    )
    (validation,) = objects["spec"]["validations"]
    listed = re.findall(r"username in (\[[^]]*\])", validation["expression"])
    assert [user for users in listed for user in json.loads(users)] == [
        "system:serviceaccount:kube-system:namespace-controller",
        "system:serviceaccount:kube-system:generic-garbage-collector",
        "system:kube-controller-manager",
        "system:serviceaccount:kube-system:resourcequota-controller",
        "system:apiserver",
        FLUX,
    ]
    (left_out,) = objects["spec"]["matchConditions"]
    assert left_out["expression"] == f'!(request.userInfo.username in ["{CONTROLLER}"])'


@given(policies)
@settings(max_examples=50)
def test_the_same_policy_gives_the_same_manifests(made: Policy) -> None:
    assert admissionpolicy.manifests(made) == admissionpolicy.manifests(made)


@given(policies)
@settings(max_examples=50)
def test_each_variable_is_there_before_it_is_used(made: Policy) -> None:
    for manifest in admissionpolicy.manifests(made):
        known: set[str] = set()
        for variable in manifest["spec"].get("variables", []):
            assert set(_VARIABLE.findall(variable["expression"])) <= known
            known.add(variable["name"])
        for validation in manifest["spec"].get("validations", []):
            text = validation["expression"] + validation.get("messageExpression", "")
            assert set(_VARIABLE.findall(text)) <= known
