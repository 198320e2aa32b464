"""Every key and name that other systems see, defined once."""

from typing import Final

TIER: Final = "platform/tier"
TEAM: Final = "platform/team"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
EXPIRES_AT: Final = "platform/expires-at"
TIER_REVISION: Final = "platform/tier-revision"

REQUESTED_BY: Final = "platform/requested-by"
TTL: Final = "platform/ttl"
QUOTA: Final = "platform/quota"
REVISION: Final = "platform/revision"
"""Approves one revision of the namespace's tier, where the catalogue's changes are rolled out by hand."""
FORCE: Final = "platform/force"
"""Names the tier that the namespace gets even where less than is in use."""
DELETION_PROTECTION: Final = "platform/deletion-protection"
IDLE_SINCE: Final = "platform/idle-since"

MANAGER: Final = "ns-provisioner"
"""Value of the managed-by label, and the server-side-apply field manager."""

POD_SECURITY: Final = {
    "enforce": "pod-security.kubernetes.io/enforce",
    "warn": "pod-security.kubernetes.io/warn",
    "audit": "pod-security.kubernetes.io/audit",
}

IDENTITY_LABELS: Final = (TIER, TEAM, MANAGED_BY)
"""The labels that say whose a namespace is and what it gets: complete on create, then immutable."""

OWNER_SETTINGS: Final = (TTL, QUOTA, DELETION_PROTECTION)
"""The annotations that a namespace's own team may change later."""

PROVISIONED: Final = "Provisioned"
"""Type of the status condition that says whether the bundle is complete."""
