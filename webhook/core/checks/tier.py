"""Checks on the tier, and on what a request may set within it."""

from collections.abc import Iterator

from webhook.core import identity, labels, lifetime, quotaoverride, wording
from webhook.core.checks.common import annotation, annotation_changed, changed, is_adopted, is_managed, label
from webhook.core.model import Facts, Operation, Violation
from webhook.core.policy import EVERYBODY, POD_SECURITY_LEVELS, Policy, Tier


def tier_of(facts: Facts, policy: Policy) -> Tier | None:
    """The tier that the namespace would have; None when there is no such tier."""
    return policy.tiers.get(facts.new.labels.get(labels.TIER, ""))


def tier_exists(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The tier label names a tier of the catalogue."""
    if not is_managed(facts) or not (changed(facts, labels.TIER) or is_adopted(facts)):
        return
    sent = facts.new.labels.get(labels.TIER)
    if sent in policy.tiers:
        return
    guess = wording.nearest(sent, policy.tiers) if sent else policy.default_tier
    yield Violation(
        rule="tier-exists",
        path=label(labels.TIER),
        sent=f"{wording.quote(sent)} is not a tier" if sent is not None else "the label is missing",
        allowed=wording.listing(policy.tiers),
        suggestion=f'try {labels.TIER}: "{guess}"',
    )


def tier_allowed(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """Some tiers are for some groups only."""
    tier = tier_of(facts, policy)
    if tier is None or not changed(facts, labels.TIER) or identity.acts_for_others(facts.caller, policy):
        return
    if EVERYBODY in tier.allowed_groups or not tier.allowed_groups.isdisjoint(facts.caller.groups):
        return
    free = [name for name, each in policy.tiers.items() if _may_have(facts, each)]
    yield Violation(
        rule="tier-allowed",
        path=label(labels.TIER),
        sent=f"tier {wording.quote(tier.name)} is not for everybody",
        allowed=f"members of {wording.listing(sorted(tier.allowed_groups))}",
        suggestion=f'try {labels.TIER}: "{wording.nearest(tier.name, free)}"'
        if free
        else "ask a platform admin",
        forbidden=True,
    )


def _may_have(facts: Facts, tier: Tier) -> bool:
    return EVERYBODY in tier.allowed_groups or not tier.allowed_groups.isdisjoint(facts.caller.groups)


def pod_security_floor(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The Pod Security levels of a managed namespace are never below those of its tier."""
    if not is_managed(facts) or identity.is_admin(facts.caller, policy):
        return
    tier = tier_of(facts, policy) or policy.tiers[policy.default_tier]
    for mode, floor in tier.pod_security.items():
        key = labels.POD_SECURITY[mode]
        sent = facts.new.labels.get(key)
        left_out = sent is None and facts.operation is Operation.CREATE  # defaults_present says so
        looked_at = changed(facts, key) or is_adopted(facts) or changed(facts, labels.TIER)
        if not looked_at or left_out or (sent and _level(sent) >= _level(floor)):
            continue
        yield Violation(
            rule="pod-security-floor",
            path=label(key),
            sent=f"{wording.quote(sent)} is below the tier's level"
            if sent is not None
            else "it would be missing",
            allowed=wording.listing(POD_SECURITY_LEVELS[max(_level(floor), 0) :]),
            suggestion=f'set {key}: "{floor}"',
            forbidden=True,
        )
    yield from _pinned_versions(facts)


def _pinned_versions(facts: Facts) -> Iterator[Violation]:
    """A level of an older Kubernetes version forbids less than its name says."""
    for key in (f"{name}-version" for name in labels.POD_SECURITY.values()):
        sent = facts.new.labels.get(key, "latest")
        if sent != "latest" and (changed(facts, key) or is_adopted(facts)):
            yield Violation(
                rule="pod-security-floor",
                path=label(key),
                sent=f"{wording.quote(sent)} pins the level to an older version",
                allowed="latest",
                suggestion="leave the label out",
                forbidden=True,
            )


def _level(text: str) -> int:
    """The place of a Pod Security level; -1 for one that Kubernetes does not know."""
    return POD_SECURITY_LEVELS.index(text) if text in POD_SECURITY_LEVELS else -1


def quota_in_bounds(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """What the annotation sets, the tier lets a request set, and within its bounds."""
    sent, tier = facts.new.annotations.get(labels.QUOTA), tier_of(facts, policy)
    if sent is None or tier is None or not _is_to_be_judged(facts, labels.QUOTA):
        return
    for problem in quotaoverride.problems(sent, tier):
        yield Violation(
            rule="quota-in-bounds",
            path=annotation(labels.QUOTA),
            sent=problem,
            allowed=quotaoverride.allowed(tier),
            suggestion=(
                f'for instance "{next(iter(tier.overrides))}={tier.quota[next(iter(tier.overrides))]}"'
                if tier.overrides
                else "leave the annotation out, or take a larger tier"
            ),
        )


def _is_to_be_judged(facts: Facts, key: str) -> bool:
    """Whether an annotation, or what it is held against, changes in a namespace of ours."""
    news = annotation_changed(facts, key) or changed(facts, labels.TIER) or is_adopted(facts)
    return is_managed(facts) and news


def ttl_valid(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """A lifetime can be read, is within the tier's maximum, and does not end in the past."""
    tier = tier_of(facts, policy)
    if tier is None or not _is_to_be_judged(facts, labels.TTL):
        return
    sent = facts.new.annotations.get(labels.TTL)
    wrong = _ttl_problem(sent, tier, facts)
    if wrong:
        longest = f", at most {tier.max_ttl}" if tier.max_ttl else ""
        yield Violation(
            rule="ttl-valid",
            path=annotation(labels.TTL),
            sent=wrong,
            allowed=f"{lifetime.GRAMMAR}{longest}",
            suggestion=f'for instance {labels.TTL}: "{tier.initial_ttl or "7d"}"',
        )


def _ttl_problem(sent: str | None, tier: Tier, facts: Facts) -> str:
    """What is wrong with a lifetime; empty when nothing is."""
    if sent is None:
        missing = tier.max_ttl is not None and facts.operation is not Operation.CREATE
        return f"tier {tier.name} has no namespaces without end" if missing else ""
    try:
        seconds = lifetime.parse(sent)
    except lifetime.InvalidLifetimeError:
        return f"{wording.quote(sent)} is no lifetime"
    if tier.max_ttl is not None and seconds > lifetime.parse(tier.max_ttl):
        return f"{wording.quote(sent)} is longer than tier {tier.name} allows"
    if facts.operation is Operation.UPDATE and seconds <= (facts.age or 0):
        return f"{wording.quote(sent)} after its creation is past: the namespace would end at once"
    return ""
