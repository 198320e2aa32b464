"""Complete, valid things of which a test changes one part."""

from collections.abc import Mapping
from typing import Any

from webhook.adapters import catalogue_file
from webhook.core import bundle, decide, labels
from webhook.core.model import Bundle, Caller, Decision, Facts, Manifest, NamespaceState, Operation, Violation
from webhook.core.policy import Tier

POLICY = catalogue_file.load(None)
"""The built-in catalogue."""

ADMINS = ("platform-admins",)
TENANT = ("developers", "system:authenticated")

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


def changed(base: Mapping[str, str], changes: Changes) -> dict[str, str]:
    merged = {**base, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def state(labels: Changes | None = None, annotations: Changes | None = None) -> NamespaceState:
    """A managed namespace of the team payments, with changes."""
    return NamespaceState(changed(COMPLETE, labels or {}), changed(RECORD, annotations or {}))


def facts(
    *,
    name: str = "payments",
    user: str = "jane",
    groups: tuple[str, ...] = TENANT,
    labels: Changes | None = None,
    annotations: Changes | None = None,
    old: NamespaceState | None = None,
) -> Facts:
    """A legal CREATE by a tenant, with changes; an UPDATE where `old` is given."""
    operation = Operation.CREATE if old is None else Operation.UPDATE
    return Facts(operation, name, Caller(user, groups), state(labels, annotations), old)


def verdict(asked: Facts) -> Decision:
    return decide.validate(asked, POLICY)


def violations(asked: Facts) -> tuple[Violation, ...]:
    return verdict(asked).violations


def tier(**changes: Any) -> Tier:
    """The built-in tier small, with changes."""
    small = POLICY.tiers["small"]
    fields = {field: getattr(small, field) for field in Tier.__dataclass_fields__}
    return Tier(**{**fields, **changes})


def rendered(**changes: Any) -> Bundle:
    return bundle.render("payments", "payments", tier(**changes))


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
