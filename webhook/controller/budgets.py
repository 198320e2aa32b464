"""Which namespaces have a place in the budget of their team, and who comes next when one is free.

One writer decides, and nothing waits within a decision: two namespaces cannot get the same place. That
a namespace has a place can be seen in the cluster, so it survives a restart; what is kept in memory are
the places that were given meanwhile. See docs/budgets.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from webhook import ports, telemetry
from webhook.codec import namespace as namespaces
from webhook.core import budget, bundle, labels, quotaoverride
from webhook.core.budget import GRANTED, Claim, Limits, Standing, Verdict
from webhook.core.model import ConditionStatus, Manifest, ObjectKey
from webhook.core.policy import DEFAULT_TEAM_GROUPS, Budget, Policy


@dataclass(slots=True)
class _Book:
    """The claims of one team by the namespaces' names, each with the manifest it was read from."""

    policy: Policy
    budget: Budget
    claims: dict[str, Claim] = field(default_factory=dict)
    seen: dict[str, Manifest] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)

    def known(self, manifest: Manifest) -> Claim | None:
        """The claim of this namespace, and not of a namesake that was there before."""
        name = manifest["metadata"]["name"]
        if name in self.seen and self.seen[name]["metadata"]["uid"] == manifest["metadata"]["uid"]:
            return self.claims[name]
        return None

    def current(self, manifest: Manifest, policy: Policy) -> Claim | None:
        """The claim, if it cannot have changed since it was read."""
        name = manifest["metadata"]["name"]
        if policy is self.policy and self.seen.get(name) is manifest and _is_even(self.claims[name]):
            return self.claims[name]
        return None

    def stands(self, manifest: Manifest, policy: Policy) -> bool:
        """Whether the namespace has its place and asks for nothing else than it had."""
        claim = self.known(manifest)
        return (
            policy is self.policy
            and claim is not None
            and claim.granted is claim.wanted
            and claim.wanted == _wanted(manifest, policy)
        )


class Ledger:
    """Keeps a book for each team that has a budget. To be used on the event loop only.

    `enqueue` asks for a pass over a namespace that has got a place since its last one.
    """

    def __init__(
        self, reader: ports.TeamReader, enqueue: Callable[[str], None], metrics: telemetry.Metrics
    ) -> None:
        self._reader = reader
        self._enqueue = enqueue
        self._books: dict[str, _Book] = {}
        self._homes: dict[str, str] = {}
        self._lowered: dict[str, Limits] = {}
        metrics.budget_waiting.set_function(self._waiting)

    def claim(self, name: str, manifest: Manifest, policy: Policy) -> Verdict:
        """Whether a namespace of a team and a known tier, which is not being deleted, has a place."""
        team = manifest["metadata"]["labels"][labels.TEAM]
        rules = policy.budget_of(team)
        if rules is None:
            self._books.pop(team, None)
            self.forget(name)
            return GRANTED
        book = self._books.setdefault(team, _Book(policy, rules))
        if book.stands(manifest, policy):
            book.seen[name] = manifest
            return GRANTED
        self._look(team, book, policy, rules, asking=name)
        found = budget.verdict(team, rules, book.claims[name], book.standing)
        if found.granted:
            self._come_again(book.claims[name])
        return found

    def forget(self, name: str) -> None:
        """The namespace is gone from the team that it was in: what it had is free."""
        self._lowered.pop(name, None)
        team = self._homes.pop(name, None)
        if team is not None:
            self._look_again(team)

    def reset(self) -> None:
        """Forget all. To be called before the first pass, when somebody else has decided meanwhile."""
        self._books.clear()
        self._homes.clear()
        self._lowered.clear()

    def _waiting(self) -> int:
        return sum(len(book.claims) - len(book.standing.granted) for book in self._books.values())

    def _come_again(self, claim: Claim) -> None:
        """Who gives something back is looked at once more after this pass: then its quota is lowered.

        Once for each wish: it may be that the quota must not be lowered now.
        """
        if _is_even(claim):
            self._lowered.pop(claim.name, None)
        elif self._lowered.get(claim.name) != claim.wanted:
            self._lowered[claim.name] = claim.wanted
            self._enqueue(claim.name)

    def _look_again(self, team: str) -> None:
        if (book := self._books.get(team)) is not None:
            self._look(team, book, book.policy, book.budget)

    def _look(self, team: str, book: _Book, policy: Policy, rules: Budget, *, asking: str = "") -> None:
        """Bring a book up to date and give away what is free; `asking` is the one that need not be told."""
        claims, seen = {}, {}
        for manifest in self._reader.team(team):
            claim = book.current(manifest, policy) or self._read(team, book, policy, rules, manifest)
            if claim is not None:
                claims[claim.name], seen[claim.name] = claim, manifest
        changed = policy is not book.policy or claims != book.claims
        book.policy, book.budget, book.claims, book.seen = policy, rules, claims, seen
        if not changed:
            return
        book.standing = budget.settle(rules, claims.values())
        for name in book.standing.admitted:
            claims[name] = replace(claims[name], granted=claims[name].wanted)
            if name != asking:
                self._enqueue(name)
        left = {self._homes.get(name, team) for name in claims} - {team}
        self._homes.update(dict.fromkeys(claims, team))
        for former in left:
            self._look_again(former)

    def _read(
        self, team: str, book: _Book, policy: Policy, rules: Budget, manifest: Manifest
    ) -> Claim | None:
        """The claim of one namespace; None for one that has no place and cannot get one."""
        metadata = manifest["metadata"]
        name, created = metadata["name"], metadata["creationTimestamp"]
        if name in policy.exempt_names:
            return None
        objects = self._reader.bundle_objects(name)
        wanted, has = _wanted(manifest, policy), _hard(objects)
        known = book.known(manifest)
        if known is not None:
            granted = known.granted
        elif self._homes.get(name, team) == team and _has_place(team, manifest, objects, policy):
            granted = has or wanted or {}
        else:
            granted = None
        if wanted is None or "deletionTimestamp" in metadata:
            return None if granted is None else Claim(name, created, granted, granted)
        if granted is not None and not budget.grows(rules, granted, wanted):
            granted = budget.larger(wanted, has)  # what is given back counts until it has been taken
        return Claim(name, created, wanted, granted)


def _is_even(claim: Claim) -> bool:
    """Whether there is nothing to give or to take."""
    return claim.granted is None or claim.granted is claim.wanted


def _wanted(manifest: Manifest, policy: Policy) -> Limits | None:
    """The hard limits that a namespace asks for; None when the catalogue does not know its tier."""
    state = namespaces.state(manifest)
    tier = policy.tiers.get(state.labels.get(labels.TIER, ""))
    if tier is None:
        return None
    override = state.annotations.get(labels.QUOTA, "")
    return quotaoverride.quota(override, tier) if override else tier.quota


def _hard(objects: Mapping[ObjectKey, Manifest]) -> Limits:
    """The hard limits that a namespace has now; empty when it has none of ours."""
    quota = objects.get(bundle.QUOTA) or {}
    found: Limits = (quota.get("spec") or {}).get("hard") or {}
    return found


def _has_place(team: str, manifest: Manifest, objects: Mapping[ObjectKey, Manifest], policy: Policy) -> bool:
    """Whether the cluster shows that a namespace was given a place in this team.

    That is: the team has access. What is left when somebody took the binding away is the condition,
    but not beside a quota of an inert namespace.
    """
    binding = objects.get(bundle.ACCESS)
    if binding is None:
        condition = namespaces.provisioned(manifest)
        complete = condition is not None and condition.status is ConditionStatus.TRUE
        return complete and _hard(objects).get("pods") != "0"
    subjects = {subject.get("name", "") for subject in binding.get("subjects") or ()}
    groups = policy.team_groups or DEFAULT_TEAM_GROUPS
    return groups.group(team) in subjects or not any(map(groups.team, subjects))
