"""Every key and name that other systems see, defined once."""

from typing import Final

TIER: Final = "platform/tier"
TEAM: Final = "platform/team"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
TIER_REVISION: Final = "platform/tier-revision"
REQUESTED_BY: Final = "platform/requested-by"

MANAGER: Final = "ns-provisioner"
"""Value of the managed-by label, and the server-side-apply field manager."""

POD_SECURITY: Final = {
    "enforce": "pod-security.kubernetes.io/enforce",
    "warn": "pod-security.kubernetes.io/warn",
    "audit": "pod-security.kubernetes.io/audit",
}

IDENTITY_LABELS: Final = (TIER, TEAM, MANAGED_BY)
"""The labels that say whose a namespace is and what it gets: complete on create, then immutable."""

PROVISIONED: Final = "Provisioned"
"""Type of the status condition that says whether the bundle is complete."""


def team_group(team: str) -> str:
    """The RBAC group of a team: the subject of the `team-edit` binding."""
    return f"team-{team}"
