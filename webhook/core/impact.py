"""What a new catalogue would mean for the namespaces that are there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from webhook.core import labels, quotaoverride, usage
from webhook.core.model import NamespaceState
from webhook.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Inhabitant:
    """A managed namespace: its state, the revision that its quota was made for, and what it uses of it."""

    name: str
    state: NamespaceState
    revision: str
    used: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TierImpact:
    """One tier's namespaces by what becomes of them.

    `follow` change; `stay` have the revision already; `exceed` would change, but use more than they would
    get, each with the limits in words.
    """

    tier: str
    revision: str
    follow: list[str] = field(default_factory=list)
    stay: list[str] = field(default_factory=list)
    exceed: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Impact:
    """`orphans` are namespaces by tiers that the new catalogue does not have."""

    tiers: tuple[TierImpact, ...]
    orphans: Mapping[str, list[str]]


def of(policy: Policy, inhabitants: Iterable[Inhabitant]) -> Impact:
    """The impact of `policy`, tiers and namespaces in alphabetical order."""
    tiers = {name: TierImpact(name, tier.revision) for name, tier in sorted(policy.tiers.items())}
    orphans: dict[str, list[str]] = {}
    for each in sorted(inhabitants, key=lambda it: it.name):
        if each.name in policy.exempt_names:
            continue
        name = each.state.labels.get(labels.TIER, "")
        if name not in tiers:
            orphans.setdefault(name, []).append(each.name)
            continue
        tier, impact = policy.tiers[name], tiers[name]
        quota = quotaoverride.quota(each.state.annotations.get(labels.QUOTA, ""), tier)
        if each.revision == tier.revision:
            impact.stay.append(each.name)
        elif over := usage.exceeded(quota, each.used):
            impact.exceed[each.name] = over
        else:
            impact.follow.append(each.name)
    return Impact(tuple(tiers.values()), dict(sorted(orphans.items())))
