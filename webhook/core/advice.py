"""Warnings for what is legal but unwise. Each is one sentence of at most 120 characters."""

from collections.abc import Iterator

from webhook.core import labels, lifetime, quantity, wording
from webhook.core.checks.common import annotation_changed, changed, is_adopted, is_managed
from webhook.core.checks.tier import tier_of
from webhook.core.model import Facts
from webhook.core.policy import Policy


def warnings(facts: Facts, policy: Policy) -> Iterator[str]:
    """What the caller should know about a request that is allowed."""
    for advise in (_deprecated_tier, _short_lifetime, _lower_limits, _detached, _unguarded):
        yield from (text[: wording.WARNING_LIMIT] for text in advise(facts, policy))


def _deprecated_tier(facts: Facts, policy: Policy) -> Iterator[str]:
    tier = tier_of(facts, policy)
    if (
        tier is not None
        and tier.replaced_by is not None
        and is_managed(facts)
        and changed(facts, labels.TIER)
    ):
        yield f"tier {wording.quote(tier.name)} is deprecated: take {wording.quote(tier.replaced_by)} instead"


def _short_lifetime(facts: Facts, policy: Policy) -> Iterator[str]:
    sent = facts.new.annotations.get(labels.TTL)
    if sent is None or not is_managed(facts) or not annotation_changed(facts, labels.TTL):
        return
    try:
        short = lifetime.parse(sent) < lifetime.DAY_SECONDS
    except lifetime.InvalidLifetimeError:
        return
    if short:
        yield f"the namespace and all in it are deleted {sent} after its creation ({labels.TTL})"


def _lower_limits(facts: Facts, policy: Policy) -> Iterator[str]:
    """What runs is never evicted by a smaller quota; whether it exceeds it, admission cannot know."""
    before = policy.tiers.get(facts.old.labels.get(labels.TIER, "")) if facts.old else None
    after = tier_of(facts, policy)
    if before is None or after is None or before is after or not is_managed(facts):
        return
    lower = [
        key
        for key, amount in after.quota.items()
        if key in before.quota and quantity.parse(amount) < quantity.parse(before.quota[key])
    ]
    if lower:
        more = f" and {len(lower) - 1} more" if len(lower) > 1 else ""
        yield (
            f"tier {wording.quote(after.name)} lowers {lower[0]}{more}: "
            "what runs above a limit stays, and nothing new starts"
        )


def _detached(facts: Facts, policy: Policy) -> Iterator[str]:
    was_managed = facts.old is not None and facts.old.labels.get(labels.MANAGED_BY) == labels.MANAGER
    if was_managed and not is_managed(facts):
        yield "ns-provisioner lets go of the namespace: its quota, policies and bindings stay as they are"


def _unguarded(facts: Facts, policy: Policy) -> Iterator[str]:
    tier = tier_of(facts, policy)
    if is_adopted(facts) and tier is not None:
        missing = [
            key for mode in tier.pod_security if (key := labels.POD_SECURITY[mode]) not in facts.new.labels
        ]
        if missing:
            yield f"adopted without {wording.listing(missing)}"
