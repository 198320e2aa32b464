"""Checks on the deletion of a namespace. One that is being deleted already is let go."""

from collections.abc import Iterator

from webhook.core import identity, labels, wording
from webhook.core.checks.common import annotation, annotation_changed, is_managed, label
from webhook.core.checks.tier import tier_of
from webhook.core.model import Facts, Operation, Violation
from webhook.core.policy import Policy


def deletion_allowed(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """A managed namespace is deleted by its team, or by those who act for teams."""
    if not _is_deletion(facts):
        return
    caller, team = facts.caller, facts.new.labels.get(labels.TEAM, "")
    known = identity.acts_for_others(caller, policy) or identity.is_controller(caller, policy)
    if known or identity.is_member(caller, team, policy):
        return
    yield Violation(
        rule="deletion-allowed",
        path=label(labels.TEAM),
        sent=f"the namespace belongs to team {wording.quote(team)}, which you are not in",
        allowed=f"members of {wording.listing([policy.group_of(team), *sorted(policy.admin_groups)])}",
        suggestion="ask the team",
        forbidden=True,
    )


def deletion_protected(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """What is protected is deleted by nobody, until the protection is taken off."""
    stated = facts.new.annotations.get(labels.DELETION_PROTECTION)
    tier = tier_of(facts, policy)
    by_tier = tier is not None and tier.deletion_protection
    if _is_deletion(facts) and (stated == "true" or (by_tier and stated != "false")):
        reason = "its annotation" if stated == "true" else f"tier {facts.new.labels.get(labels.TIER)}"
        yield Violation(
            rule="deletion-protected",
            path=annotation(labels.DELETION_PROTECTION),
            sent=f"the namespace is protected by {reason}",
            allowed="deletion once the protection is off",
            suggestion=f'set {labels.DELETION_PROTECTION}: "false" first'
            + (", as an admin" if by_tier else ""),
            forbidden=True,
        )
    if by_tier and is_managed(facts) and annotation_changed(facts, labels.DELETION_PROTECTION):
        yield from _lifted(facts, policy, stated)


def _lifted(facts: Facts, policy: Policy, stated: str | None) -> Iterator[Violation]:
    """The protection that a tier gives is not for tenants to lift."""
    may = identity.is_admin(facts.caller, policy) or identity.is_applier(facts.caller, policy)
    if stated == "false" and not may:
        yield Violation(
            rule="deletion-protected",
            path=annotation(labels.DELETION_PROTECTION),
            sent='"false" would lift the protection that the tier gives',
            allowed=f"changes by {wording.listing(sorted(policy.admin_groups))}",
            suggestion="leave the annotation out, or ask a platform admin",
            forbidden=True,
        )


def finalizers_kept(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """A namespace is emptied before it goes: who takes that away leaves its content to the next one."""
    if facts.old is None or identity.is_admin(facts.caller, policy):
        return
    if facts.old.labels.get(labels.MANAGED_BY) != labels.MANAGER and not is_managed(facts):
        return
    gone = [finalizer for finalizer in facts.old.finalizers if finalizer not in facts.new.finalizers]
    if gone:
        yield Violation(
            rule="finalizers-kept",
            path="spec.finalizers",
            sent=f"{wording.quote(gone[0])} would be removed",
            allowed=f"changes by Kubernetes itself, {wording.listing(sorted(policy.admin_groups))}",
            suggestion="find out what keeps the namespace from going, or ask a platform admin",
            forbidden=True,
        )


def _is_deletion(facts: Facts) -> bool:
    return facts.operation is Operation.DELETE and is_managed(facts) and not facts.new.terminating
