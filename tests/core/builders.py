"""Complete, valid things of which a test changes one part."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from webhook.adapters import catalogue_file
from webhook.core import bundle, decide, labels
from webhook.core.model import Bundle, Caller, Decision, Facts, Manifest, NamespaceState, Operation, Violation
from webhook.core.policy import Policy, Tier

POLICY = catalogue_file.load(None)
"""The built-in catalogue."""

TENANT = ("team-payments", "system:authenticated")
"""The groups of a member of the team payments."""

STRANGER = ("team-shop", "system:authenticated")
"""The groups of a member of another team."""

ADMINS = ("platform-admins",)

API = "system:serviceaccount:ns-provisioner:ns-provisioner-api"
FLUX = "system:serviceaccount:flux-system:kustomize-controller"
CONTROLLER = "system:serviceaccount:ns-provisioner:ns-provisioner-controller"

CALLERS = {
    "a member of the team": Caller("jane", TENANT),
    "a member of another team": Caller("mallory", STRANGER),
    "somebody in no team": Caller("nobody", ("system:authenticated",)),
    "a requester": Caller(API, ("system:serviceaccounts",)),
    "an applier": Caller(FLUX, ("system:serviceaccounts",)),
    "our controller": Caller(CONTROLLER, ("system:serviceaccounts",)),
    "an admin": Caller("root", ADMINS),
}
"""One of each kind that the policy tells apart."""

ENFORCE, WARN = labels.POD_SECURITY["enforce"], labels.POD_SECURITY["warn"]

COMPLETE = {
    labels.TIER: "small",
    labels.TEAM: "payments",
    labels.MANAGED_BY: labels.MANAGER,
    ENFORCE: "baseline",
    WARN: "restricted",
}
"""The labels of a managed namespace as admission leaves it."""

RECORD = {labels.REQUESTED_BY: "jane"}

Changes = Mapping[str, str | None]
"""Keys to set, or to take away with None."""

UNMANAGED: Changes = dict.fromkeys(COMPLETE)
"""Takes away all labels that make a namespace ours."""


def changed(base: Mapping[str, str], changes: Changes) -> dict[str, str]:
    merged = {**base, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def state(
    labels: Changes | None = None,
    annotations: Changes | None = None,
    *,
    owners: tuple[str, ...] = (),
    finalizers: tuple[str, ...] = (),
    terminating: bool = False,
) -> NamespaceState:
    """A managed namespace of the team payments, with changes."""
    return NamespaceState(
        changed(COMPLETE, labels or {}),
        changed(RECORD, annotations or {}),
        owners=owners,
        finalizers=finalizers,
        terminating=terminating,
    )


def facts(
    *,
    name: str = "payments",
    user: str = "jane",
    groups: tuple[str, ...] = TENANT,
    labels: Changes | None = None,
    annotations: Changes | None = None,
    owners: tuple[str, ...] = (),
    old: NamespaceState | None = None,
    age: int | None = None,
) -> Facts:
    """A legal CREATE by a tenant, with changes; an UPDATE where `old` is given."""
    operation = Operation.CREATE if old is None else Operation.UPDATE
    new = state(labels, annotations, owners=owners)
    return Facts(operation, name, Caller(user, groups), new, old, age)


def deletion(of: NamespaceState, caller: Caller, *, name: str = "payments") -> Facts:
    return Facts(Operation.DELETE, name, caller, of, of)


def asked_by(caller: Caller, asked: Facts) -> Facts:
    return dataclasses.replace(asked, caller=caller)


def verdict(asked: Facts, policy: Policy = POLICY) -> Decision:
    return decide.validate(asked, policy)


def violations(asked: Facts, policy: Policy = POLICY) -> tuple[Violation, ...]:
    return verdict(asked, policy).violations


def rules(asked: Facts, policy: Policy = POLICY) -> list[str]:
    """The ids of the rules that a request breaks, in the order they are told."""
    return [violation.rule for violation in violations(asked, policy)]


def policy(**changes: Any) -> Policy:
    """The built-in policy with one applier, and with changes."""
    return dataclasses.replace(POLICY, **{"appliers": frozenset({FLUX}), **changes})


def tier(**changes: Any) -> Tier:
    """The built-in tier small, with changes."""
    return dataclasses.replace(POLICY.tiers["small"], **changes)


def with_tier(**changes: Any) -> Policy:
    """The built-in policy, with changes to its tier small."""
    return policy(tiers={**POLICY.tiers, "small": tier(**changes)})


def rendered(**changes: Any) -> Bundle:
    chosen = tier(**changes)
    return bundle.render("payments", "payments", chosen, quota=chosen.quota, group="team-payments")


def written(manifest: Manifest) -> Manifest:
    """A bundle object as the API server gives it back: with what it adds of its own."""
    metadata = {
        **manifest["metadata"],
        "uid": "0b0f5bfc-3b0e-4f59-8d0c-6a4d4fb8a0f1",
        "resourceVersion": "4711",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "managedFields": [{"manager": labels.MANAGER, "operation": "Apply"}],
    }
    return {**manifest, "metadata": metadata}
