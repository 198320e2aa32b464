"""Names that the attacks use, said here once more so that the code under attack cannot redefine them."""

from typing import Any

Manifest = dict[str, Any]

MANAGER = "ns-provisioner"
MANAGED_BY = "app.kubernetes.io/managed-by"
TIER, TEAM, EXPIRES_AT = "platform/tier", "platform/team", "platform/expires-at"
TIER_REVISION = "platform/tier-revision"
REQUESTED_BY, IDLE_SINCE, FORCE = "platform/requested-by", "platform/idle-since", "platform/force"
TTL, QUOTA, PROTECTION = "platform/ttl", "platform/quota", "platform/deletion-protection"
SETTINGS = (TTL, QUOTA, PROTECTION)
NAME_LABEL = "kubernetes.io/metadata.name"
ENFORCE, WARN, AUDIT = (f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "warn", "audit"))

EXEMPT = "spare-system"
"""A name that the attacked catalogue exempts, of a namespace that is never there."""

FIRST_MANAGER = "gitops"
"""Field manager of whoever created a namespace: to apply as this one removes what it once stated."""

LABELS = {
    TIER: "small",
    TEAM: "payments",
    MANAGED_BY: MANAGER,
    EXPIRES_AT: "20990101T000000Z",
    ENFORCE: "baseline",
    WARN: "restricted",
}
"""What a managed namespace carries; the expiry is there so that it can be attacked."""

ANNOTATIONS = {REQUESTED_BY: "jane", TTL: "30d"}

POLICY_RULES = frozenset(
    {
        "managed-labels-immutable",
        "pod-security-floor",
        "no-owner-references",
        "settings-by-owner",
        "finalizers-kept",
        "deletion-allowed",
        "deletion-protected",
        "managed-objects",
    }
)
"""The rules that the API server keeps by itself, with no process of ours at all."""
