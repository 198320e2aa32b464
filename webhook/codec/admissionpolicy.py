"""The ValidatingAdmissionPolicies: the rules on managed namespaces and objects, inside the API server.

They hold while every replica of ours is down, see the namespaces that the webhooks skip by name, and
cost no network call. They are made from the same Policy as the webhook's decision, and say the same.
Source: kubernetes.io, "Validating Admission Policy" and "Common Expression Language in Kubernetes".
"""

from collections.abc import Iterable

from webhook.codec import namespacecel
from webhook.core import labels
from webhook.core.model import Manifest
from webhook.core.policy import MODES, Policy
from webhook.core.rules import MANAGED_OBJECTS

_API_VERSION = "admissionregistration.k8s.io/v1"
ACTIONS = {"enforce": ["Deny"], "warn": ["Warn", "Audit"], "audit": ["Audit"]}

FINISHERS = (
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
)
"""They finish the deletion of namespaces, which must work whatever state we are in."""

_SYSTEM_WRITERS = (
    *FINISHERS,
    "system:serviceaccount:kube-system:resourcequota-controller",  # writes what a quota counts
    "system:apiserver",  # so does quota admission
)

_OBJECT_RULES = (
    ("", "v1", ("limitranges", "resourcequotas", "resourcequotas/status", "configmaps")),
    ("networking.k8s.io", "v1", ("networkpolicies",)),
    ("rbac.authorization.k8s.io", "v1", ("rolebindings",)),
)


def manifests(policy: Policy) -> list[Manifest]:
    """Policies and their bindings; one pair of each for every mode that has rules."""
    found = []
    for mode in MODES:
        checks = [check for check in namespacecel.checks(policy) if _mode(policy, check.rule) == mode]
        if checks:
            found += _pair("namespaces", mode, _namespaces(policy, checks))
        if _mode(policy, MANAGED_OBJECTS.id) == mode:
            found += _pair("objects", mode, _objects(policy))
    return found


def not_finishing() -> Manifest:
    """The match condition that keeps us out of the way of a deletion that has begun."""
    return {
        "name": "not-finishing-a-deletion",
        "expression": f"!(request.userInfo.username in {namespacecel.listed(FINISHERS)})",
    }


def something_changes() -> Manifest:
    """The match condition that leaves out updates of what no rule looks at, such as most of a status."""
    same = (
        "object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({})",
        "object.metadata.?annotations.orValue({}) == oldObject.metadata.?annotations.orValue({})",
        "object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([])",
        "object.?spec.?finalizers.orValue([]) == oldObject.?spec.?finalizers.orValue([])",
    )
    return {
        "name": "something-changes",
        "expression": f"request.operation != 'UPDATE' || !({' && '.join(same)})",
    }


def _mode(policy: Policy, rule: str) -> str:
    return policy.modes.get(rule, "enforce")


def _pair(what: str, mode: str, spec: Manifest) -> list[Manifest]:
    name = f"{labels.MANAGER}-{what}" + ("" if mode == "enforce" else f"-{mode}")
    metadata = {"name": name, "labels": {labels.MANAGED_BY: labels.MANAGER}}
    binding = {"policyName": name, "validationActions": ACTIONS[mode]}
    return [
        {"apiVersion": _API_VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec},
        {
            "apiVersion": _API_VERSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": binding,
        },
    ]


def _namespaces(policy: Policy, checks: list[namespacecel.Check]) -> Manifest:
    rules = [
        rule("", "v1", ("CREATE", "UPDATE", "DELETE"), ("namespaces",), "Cluster"),
        rule("", "v1", ("UPDATE",), ("namespaces/status", "namespaces/finalize"), "Cluster"),
    ]
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"matchPolicy": "Equivalent", "resourceRules": rules},
        "matchConditions": [not_finishing(), something_changes()],
        "variables": [
            {"name": name, "expression": expression}
            for name, expression in namespacecel.variables(policy).items()
        ],
        "validations": [
            {"expression": check.expression, "messageExpression": check.message, "reason": "Forbidden"}
            for check in checks
        ],
    }


def _objects(policy: Policy) -> Manifest:
    """Only objects that carry our label, before or after, ever reach this."""
    operations = ("CREATE", "UPDATE", "DELETE")
    writers = (_SYSTEM_WRITERS, sorted(policy.appliers))
    trusted = [f"request.userInfo.username in {namespacecel.listed(users)}" for users in writers]
    allowed = " || ".join((*trusted, namespacecel.in_group(policy.admin_groups)))
    message = (
        f"[{MANAGED_OBJECTS.id}] metadata.labels[{labels.MANAGED_BY}]: the object belongs to "
        f"ns-provisioner; allowed: changes by its controller, {', '.join(sorted(policy.admin_groups))}; "
        "change the tier instead, or add an object of your own under another name"
    )
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "objectSelector": {"matchLabels": {labels.MANAGED_BY: labels.MANAGER}},
            "resourceRules": [
                rule(group, version, operations, resources, "Namespaced")
                for group, version, resources in _OBJECT_RULES
            ],
        },
        "matchConditions": _not_ours(policy),
        "validations": [
            {"expression": allowed, "messageExpression": namespacecel.text(message), "reason": "Forbidden"}
        ],
    }


def _not_ours(policy: Policy) -> list[Manifest]:
    """Our own writes are most of all and allowed in any case: here that costs the API server least."""
    controllers = namespacecel.listed(sorted(policy.controllers))
    expression = f"!(request.userInfo.username in {controllers})"
    return [{"name": "not-by-our-controller", "expression": expression}] if policy.controllers else []


def rule(
    group: str, version: str, operations: Iterable[str], resources: Iterable[str], scope: str
) -> Manifest:
    """Which requests go to a webhook or a policy: both are registered in the same words."""
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": list(operations),
        "resources": list(resources),
        "scope": scope,
    }
