"""What a pass brings a namespace to: the bundle of its tier, a former one, an inert one, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from webhook.codec import namespace as namespaces
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
        self.note(policy)
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
            told = not_ready("OverBudget", verdict.message)
            return self._stay(name, state, policy, observed, told, live_quota=True)
        if not verdict.granted:
            return Target(bundle.inert(name, state, policy), not_ready("OverBudget", verdict.message))
        return self._granted(manifest, state, policy, observed, tier)

    def note(self, policy: Policy) -> None:
        """Remember the tiers of a catalogue: they are what namespaces keep that do not follow it yet."""
        self._former.note(policy)

    def reset(self) -> None:
        """Another replica may have led meanwhile: the cluster alone tells who has a place."""
        self._ledger.reset()

    def forget(self, name: str) -> None:
        """The namespace is managed no more."""
        self._ledger.forget(name)
        self._gate.forget(name)

    def _granted(
        self,
        manifest: Manifest,
        state: NamespaceState,
        policy: Policy,
        observed: Mapping[ObjectKey, Manifest],
        tier: Tier,
    ) -> Target:
        name = manifest["metadata"]["name"]
        wanted, standing = bundle.of(name, state, policy), _standing(observed)
        ready = Condition(
            ConditionStatus.TRUE,
            "BundleComplete",
            f"tier {tier.name}, revision {tier.revision}: {len(wanted.objects)} objects in place",
        )
        if not _has_stood(manifest, observed) or Revision(tier.name, tier.revision) in standing:
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
        *,
        live_quota: bool = False,
    ) -> Target:
        """Keep what stands in order; with `live_quota`, with the limits as they are now.

        Of what stood before this process began nobody knows how it should be: it is left alone, but for
        whom it gives access to.
        """
        team = state.labels[labels.TEAM]
        group = policy.group_of(team)
        formers = (self._former.get(*each) for each in sorted(_standing(observed)))
        tier = next((tier for tier in formers if tier is not None), None)
        if tier is None:
            return Target(_with_access_for(group, observed), condition)
        quota = quotaoverride.quota(state.annotations.get(labels.QUOTA, ""), tier)
        if live_quota:
            quota = _hard(observed) or quota
        return Target(bundle.render(name, team, tier, quota=quota, group=group), condition)


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


def _has_stood(manifest: Manifest, observed: Mapping[ObjectKey, Manifest]) -> bool:
    """Whether a whole bundle has stood here: an inert one, or one half made, is nothing to keep."""
    condition = namespaces.provisioned(manifest)
    ready = condition is not None and condition.status is ConditionStatus.TRUE
    return ready or any(key.kind == "RoleBinding" for key in observed)


def _with_access_for(group: str, observed: Mapping[ObjectKey, Manifest]) -> Bundle | None:
    """What stands as it stands, with our own binding for `group`."""
    binding = observed.get(bundle.ACCESS)
    if binding is None:
        return None
    metadata = binding["metadata"]
    given = metadata.get("labels") or {}
    ours = bundle.access(metadata["namespace"], group, given)
    objects = tuple(ours if key == bundle.ACCESS else manifest for key, manifest in observed.items())
    return Bundle(given.get(labels.TIER, ""), given.get(labels.TIER_REVISION, ""), objects)


def _hard(observed: Mapping[ObjectKey, Manifest]) -> Mapping[str, str]:
    """The limits of the live quota; empty when it has none."""
    hard: Mapping[str, str] = (observed.get(bundle.QUOTA, {}).get("spec") or {}).get("hard") or {}
    return hard


def _used(observed: Mapping[ObjectKey, Manifest]) -> Mapping[str, str]:
    quota = observed.get(bundle.QUOTA) or {}
    used: Mapping[str, str] = (quota.get("status") or {}).get("used") or {}
    return used
