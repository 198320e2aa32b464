"""Which namespaces stand that the rules in force would not have let in, or that lack what admission gives.

For the time after the webhooks were away, and for clusters that had namespaces before they came. The
decision is the webhook's own, on each namespace as if somebody asked for it now as it stands.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from webhook.core import decide, defaults, labels, wording
from webhook.core.model import Caller, Condition, ConditionStatus, Facts, NamespaceState, Operation, Violation
from webhook.core.policy import Policy

STATE_RULES: Mapping[str, str] = {
    "name-pattern": "a name stays as it was given",
    "reserved-name": "a name stays as it was given",
    "name-agrees-with-team": "name and team both stand in the namespace",
    "tier-exists": "without a tier the controller does not know what to give",
    "managed-labels-complete": "the labels are there or they are not",
    "required-metadata": "the keys are there or they are not",
    "defaults-present": "what admission adds is there or it is not",
    "pod-security-floor": "the levels are in force as they stand",
    "ttl-valid": "the lifetime stands in an annotation",
    "quota-in-bounds": "the quota stands in an annotation",
    "no-owner-references": "a reference can have the namespace deleted at any time",
}
"""The rules on what a namespace is, each with why it can be told afterwards."""

PASSING_RULES: Mapping[str, str] = {
    "tier-allowed": "it is about who asks, and groups are not written down",
    "team-is-callers": "it is about who asks, and groups are not written down",
    "requested-by-true": "it is about who asks: the record itself is all that is left",
    "managed-labels-immutable": "it is about a change, and what was before is gone",
    "finalizers-kept": "it is about a change, and what was before is gone",
    "settings-by-owner": "it is about who makes a change",
    "deletion-allowed": "it is about a deletion: the namespace is still there",
    "deletion-protected": "it is about a deletion: the namespace is still there",
}
"""The rules on a request alone, each with why nothing of it is left to be looked at."""

UNMANAGED = "unmanaged"
PROVISIONED = "provisioned"

NOBODY = Caller("WHO-ASKED-FOR-IT")
"""In no group, so that no rule is waived. Where the record of who asked is missing, this stands for it."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A namespace that is there; `provisioned` is its condition of that name."""

    name: str
    state: NamespaceState
    provisioned: Condition | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one namespace. Only what is `enforced` makes it a violator."""

    namespace: str
    violation: Violation
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was found, by name of the namespace and then in the order of the rules."""

    findings: tuple[Finding, ...]
    looked_at: int
    exempt: int
    terminating: int

    @property
    def violators(self) -> list[str]:
        return list(dict.fromkeys(found.namespace for found in self.findings if found.enforced))


def of(policy: Policy, residents: Iterable[Resident]) -> Sweep:
    """Judge every namespace, but for exempt ones and those that are going anyway."""
    known = sorted(residents, key=lambda each: each.name)
    judged = [each for each in known if each.name not in policy.exempt_names]
    staying = [each for each in judged if not each.state.terminating]
    return Sweep(
        tuple(found for each in staying for found in _findings(each, policy)),
        looked_at=len(staying),
        exempt=len(known) - len(judged),
        terminating=len(judged) - len(staying),
    )


def _findings(resident: Resident, policy: Policy) -> Iterator[Finding]:
    facts = Facts(Operation.CREATE, resident.name, NOBODY, _as_asked(resident.state, policy))
    if resident.state.labels.get(labels.MANAGED_BY) == labels.MANAGER:
        yield from _broken(facts, policy)
        yield from _unprovisioned(resident)
    elif defaults.is_covered(facts, policy):
        additions = decide.mutate(facts, policy)
        yield Finding(resident.name, _unmanaged(facts, policy))
        yield from _broken(replace(facts, new=additions.applied_to(facts.new)), policy)


def _as_asked(state: NamespaceState, policy: Policy) -> NamespaceState:
    """A lifetime that the tier only proposes may have been taken off since: that is no lack."""
    tier = policy.tiers.get(state.labels.get(labels.TIER, ""))
    if tier is None or tier.ttl is None or tier.max_ttl is not None:
        return state
    return replace(state, annotations={labels.TTL: tier.ttl, **state.annotations})


def _broken(facts: Facts, policy: Policy) -> Iterator[Finding]:
    decision = decide.validate(facts, policy)
    for enforced, violations in ((True, decision.violations), (False, decision.tolerated)):
        for violation in violations:
            if violation.rule in STATE_RULES:
                yield Finding(facts.name, violation, enforced)


def _unmanaged(facts: Facts, policy: Policy) -> Violation:
    manager = facts.new.labels.get(labels.MANAGED_BY)
    return Violation(
        rule=UNMANAGED,
        path=f"metadata.labels[{labels.MANAGED_BY}]",
        sent=f"{wording.quote(manager)} is another manager" if manager else "nobody manages the namespace",
        allowed=labels.MANAGER,
        suggestion=f"adopt it as an admin: {_adoption(facts, policy)}",
    )


def _adoption(facts: Facts, policy: Policy) -> str:
    """What an admin types: our manager's label, and all that admission would have added."""
    added = decide.mutate(facts, policy)
    wanted = {**added.labels, labels.MANAGED_BY: labels.MANAGER}
    if labels.TIER not in facts.new.labels:
        wanted[labels.TIER] = policy.default_tier
    command = f"kubectl label namespace {facts.name} --overwrite {_pairs(wanted)}"
    if not added.annotations:
        return command
    return f"{command} && kubectl annotate namespace {facts.name} {_pairs(added.annotations)}"


def _pairs(wanted: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(wanted.items()))


def _unprovisioned(resident: Resident) -> Iterator[Finding]:
    """Whether the bundle is complete, the controller has looked and says so: no rule of admission's."""
    found = resident.provisioned
    if found is not None and found.status is ConditionStatus.TRUE:
        return
    violation = Violation(
        rule=PROVISIONED,
        path=f"status.conditions[{labels.PROVISIONED}]",
        sent=f"{found.status}, {found.reason}: {found.message}" if found else "it is missing",
        allowed="True",
        suggestion=(
            "the controller mends what it can, the reason says what is left to you"
            if found
            else "the controller has yet to look; if it stays so, run nsp doctor"
        ),
    )
    yield Finding(resident.name, violation, enforced=False)
