"""Who a caller is to the policy. Everybody who is named nowhere is a tenant."""

from webhook.core.model import Caller
from webhook.core.policy import Policy


def is_admin(caller: Caller, policy: Policy) -> bool:
    """A platform admin: changes tiers and teams, and breaks glass."""
    return not policy.admin_groups.isdisjoint(caller.groups)


def is_applier(caller: Caller, policy: Policy) -> bool:
    """A GitOps controller: sets what Git states, but never below the floors."""
    return caller.username in policy.appliers


def is_controller(caller: Caller, policy: Policy) -> bool:
    """Our own controller."""
    return caller.username in policy.controllers


def acts_for_others(caller: Caller, policy: Policy) -> bool:
    """Whether the caller creates namespaces for teams that are not its own."""
    return caller.username in policy.requesters or is_applier(caller, policy) or is_admin(caller, policy)


def teams(caller: Caller, policy: Policy) -> list[str]:
    """The teams that the caller's groups make it a member of."""
    if policy.team_groups is None:
        return []
    return sorted(team for group in caller.groups if (team := policy.team_groups.team(group)))


def is_member(caller: Caller, team: str, policy: Policy) -> bool:
    """Whether the caller belongs to `team`; true where the policy does not tell teams by groups."""
    if policy.team_groups is None:
        return True
    return bool(team) and policy.team_groups.group(team) in caller.groups
