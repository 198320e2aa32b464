"""What is legal in a catalogue but probably not meant."""

from collections.abc import Iterator

from webhook.core import networkpolicies
from webhook.core.errors import Problem
from webhook.core.policy import EVERY_TEAM, Policy, Tier

_PAIRED = {"limits.cpu": "cpu", "limits.memory": "memory", "requests.cpu": "cpu", "requests.memory": "memory"}


def findings(policy: Policy) -> Iterator[Problem]:
    """Each with path, what is odd, and what to do about it."""
    default = policy.tiers[policy.default_tier]
    if default.replaced_by is not None:
        yield Problem("policy.defaultTier", f"{default.name} is deprecated", f"make it {default.replaced_by}")
    if not policy.admin_groups:
        yield Problem("policy.adminGroups", "is empty: nobody can break glass", "name a group")
    if policy.team_groups is None:
        yield Problem("policy.teamGroups", "is off: any tenant creates for any team, and deletes", "")
    for rule, mode in policy.modes.items():
        yield Problem(f"policy.modes.{rule}", f"the rule is not enforced ({mode})", "take it out when ready")
    for tier in policy.tiers.values():
        yield from _tier(tier)
        yield from _budgets(tier, policy)


def _tier(tier: Tier) -> Iterator[Problem]:
    path = f"tiers.{tier.name}"
    for name in networkpolicies.STANDARD:
        if name not in tier.network_policies:
            yield Problem(f"{path}.networkPolicies", f"{name} is not among them", _WITHOUT[name])
    for key, resource in _PAIRED.items():
        given = tier.default if key.startswith("limits") else tier.default_request
        if key in tier.quota and resource not in given:
            side = "default" if key.startswith("limits") else "defaultRequest"
            yield Problem(
                f"{path}.limitRange.{side}.{resource}",
                f"is missing, and the quota counts {key}: pods that state none are refused",
                "give it a value",
            )
    if "pods" not in tier.quota:
        yield Problem(f"{path}.quota.pods", "is missing: the number of pods has no limit", "")
    if tier.pod_security.get("enforce", "privileged") == "privileged":
        yield Problem(f"{path}.podSecurity.enforce", "lets privileged pods run", "make it baseline")


def _budgets(tier: Tier, policy: Policy) -> Iterator[Problem]:
    """Budgets that no namespace of the tier can ever fit."""
    for team, budget in policy.budgets.items():
        whose = "a team" if team == EVERY_TEAM else f"the team {team}"
        for key in sorted(budget.quota.keys() - tier.quota.keys()):
            yield Problem(
                f"tiers.{tier.name}.quota.{key}",
                f"is missing, and the budget of {whose} limits it: a namespace of that tier never fits",
                f"add it, or take it out of teams.{team}.quota",
            )


_WITHOUT = {
    "default-deny-all": "without it everything is let through",
    "allow-same-namespace": "without it pods of the namespace cannot reach each other",
    "allow-dns-egress": "without it nothing in the namespace resolves a name",
}
