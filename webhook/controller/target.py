"""What a pass brings a namespace to: the bundle of its tier, a former one, an inert one, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from webhook.controller.budgets import Ledger
from webhook.controller.rollout import FormerTiers, RolloutGate
from webhook.core import bundle, labels, quotaoverride, usage, wording
from webhook.core.model import (
    Bundle,
    Condition,
    ConditionStatus,
    Manifest,
    NamespaceState,
    ObjectKey,
)
from webhook.core.policy import Policy, Tier


class Revision(NamedTuple):
    """One state of one tier."""

    tier: str
    revision: str


@dataclass(frozen=True, slots=True)
class Target:
    """`bundle` is what has to stand, None where nothing may be written; `condition` what to say when it does.

    `moves` tells a change of tier or revision from a repair; `left` is the former tier, if it is another.
    """

    bundle: Bundle | None
    condition: Condition
    moves: bool = False
    left: str | None = None


class Targets:
    """Chooses the target of each pass."""

    def __init__(self, ledger: Ledger, gate: RolloutGate) -> None:
        self._ledger = ledger
        self._gate = gate
        self._former = FormerTiers()

    def choose(
        self,
        manifest: Manifest,
        state: NamespaceState,
        policy: Policy,
        observed: Mapping[ObjectKey, Manifest],
    ) -> Target:
        """The target of a managed namespace that is not terminating."""
        self._former.note(policy)
        name, tier_name = manifest["metadata"]["name"], state.labels.get(labels.TIER, "")
        tier = policy.tiers.get(tier_name)
        if tier is None:
            return Target(
                None, not_ready("UnknownTier", f"the catalogue has no tier {wording.quote(tier_name)}")
            )
        if not state.labels.get(labels.TEAM):
            return Target(None, not_ready("MissingTeam", f"the label {labels.TEAM} is missing"))
        verdict = self._ledger.claim(name, manifest, policy)
        if verdict.keep:
            return self._stay(name, state, policy, observed, not_ready("OverBudget", verdict.message))
        if not verdict.granted:
            return Target(bundle.inert(name, state, policy), not_ready("OverBudget", verdict.message))
        return self._granted(name, state, policy, observed, tier)

    def reset(self) -> None:
        """Another replica may have led meanwhile: the cluster alone tells who has a place."""
        self._ledger.reset()

    def forget(self, name: str) -> None:
        """The namespace is managed no more."""
        self._ledger.forget(name)
        self._gate.forget(name)

    def _granted(
        self,
        name: str,
        state: NamespaceState,
        policy: Policy,
        observed: Mapping[ObjectKey, Manifest],
        tier: Tier,
    ) -> Target:
        wanted, standing = bundle.of(name, state, policy), _standing(observed)
        ready = Condition(
            ConditionStatus.TRUE,
            "BundleComplete",
            f"tier {tier.name}, revision {tier.revision}: {len(wanted.objects)} objects in place",
        )
        if not standing or Revision(tier.name, tier.revision) in standing:
            self._gate.forget(name)
            return Target(wanted, ready)
        quota = quotaoverride.quota(state.annotations.get(labels.QUOTA, ""), tier)
        over = usage.exceeded(quota, _used(observed))
        if over and state.annotations.get(labels.FORCE) != tier.name:
            told = f"tier {tier.name} has less than is in use: {wording.listing(over)}"
            advice = f"free it, or let an admin set the annotation {labels.FORCE}: {tier.name}"
            return self._stay(name, state, policy, observed, not_ready("BelowUsage", f"{told}; {advice}"))
        follows = any(each.tier == tier.name for each in standing)
        if follows and not self._gate.admits(name, state.annotations, tier.revision):
            told = (
                f"tier {tier.name}, revision {sorted(standing)[0].revision}: revision {tier.revision} follows"
            )
            waiting = Condition(ConditionStatus.TRUE, "RolloutPending", told)
            return self._stay(name, state, policy, observed, waiting)
        return Target(wanted, ready, moves=True, left=None if follows else sorted(standing)[0].tier)

    def _stay(
        self,
        name: str,
        state: NamespaceState,
        policy: Policy,
        observed: Mapping[ObjectKey, Manifest],
        condition: Condition,
    ) -> Target:
        """Keep what stands, limits as they are; what stood before this process began is only left alone."""
        known = [
            tier for each in sorted(_standing(observed)) if (tier := self._former.get(*each)) is not None
        ]
        if not known:
            return Target(None, condition)
        team, quota = state.labels[labels.TEAM], observed.get(bundle.QUOTA)
        kept = bundle.render(
            name,
            team,
            known[0],
            quota=quota["spec"]["hard"] if quota is not None else known[0].quota,
            group=policy.group_of(team),
        )
        return Target(kept, condition)


def not_ready(reason: str, message: str) -> Condition:
    return Condition(ConditionStatus.FALSE, reason, message)


def _standing(observed: Mapping[ObjectKey, Manifest]) -> set[Revision]:
    """What the objects say they were made for; more than one in the middle of a change."""
    found = set()
    for manifest in observed.values():
        given = manifest["metadata"].get("labels") or {}
        if labels.TIER in given and labels.TIER_REVISION in given:
            found.add(Revision(given[labels.TIER], given[labels.TIER_REVISION]))
    return found


def _used(observed: Mapping[ObjectKey, Manifest]) -> Mapping[str, str]:
    quota = observed.get(bundle.QUOTA) or {}
    used: Mapping[str, str] = (quota.get("status") or {}).get("used") or {}
    return used
