"""What the rules check. `webhook.core.rules` lists them and says why each is there.

A check is a pure function of Facts and Policy that yields a Violation for each thing wrong. Every
check runs on every request; none stops another.
"""

from collections.abc import Iterator

from webhook.core import defaults, labels, wording
from webhook.core.model import Facts, Operation, Violation
from webhook.core.policy import POD_SECURITY_LEVELS, Policy

NAME_LIMIT = 63
"""Longest namespace name the API server takes; a longer one is not worth matching."""


def name_pattern(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The names of new namespaces, and of teams, follow the pattern and do not end in a hyphen."""
    asked = {}
    if facts.operation is Operation.CREATE:
        asked["metadata.name"] = facts.name  # validation sees a generated name, too
    team = facts.new.labels.get(labels.TEAM)
    if team and team != facts.name and _changed(facts, labels.TEAM):
        asked[_label(labels.TEAM)] = team
    for path, text in asked.items():
        if not _is_name(text, policy):
            yield Violation(
                rule="name-pattern",
                path=path,
                sent=f"{wording.quote(text)} is not a valid name",
                allowed=f"{policy.name_pattern.pattern} without a trailing hyphen",
                suggestion=f"for instance {wording.quote(_mended(text, policy))}",
            )


def reserved_name(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """Nobody creates a namespace that bears the name of the system or of a platform service."""
    if facts.operation is not Operation.CREATE:
        return
    prefix = next((prefix for prefix in policy.reserved_prefixes if facts.name.startswith(prefix)), "")
    if prefix or facts.name in policy.reserved_names | policy.exempt_names:
        yield Violation(
            rule="reserved-name",
            path="metadata.name",
            sent=f"{wording.quote(facts.name)} is reserved",
            allowed=(
                f"names that do not begin with {wording.listing(policy.reserved_prefixes)} and are not "
                f"{wording.listing(sorted(policy.reserved_names | policy.exempt_names))}"
            ),
            suggestion=_freed(facts.name[len(prefix) :], policy) if prefix else "choose another name",
        )


def tier_exists(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The tier label names a tier of the catalogue."""
    if not (_is_managed(facts) and _any_changed(facts, labels.TIER, labels.MANAGED_BY)):
        return
    sent = facts.new.labels.get(labels.TIER)
    if sent in policy.tiers:
        return
    guess = wording.nearest(sent, policy.tiers) if sent else policy.default_tier
    yield Violation(
        rule="tier-exists",
        path=_label(labels.TIER),
        sent=f"{wording.quote(sent)} is not a tier" if sent is not None else "the label is missing",
        allowed=wording.listing(policy.tiers),
        suggestion=f'try {labels.TIER}: "{guess}"',
    )


def managed_labels_complete(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """A managed namespace says whose it is: completed at admission, and never taken apart."""
    if not (_is_managed(facts) and _any_changed(facts, labels.TEAM, labels.MANAGED_BY)):
        return
    manager = facts.new.labels.get(labels.MANAGED_BY)
    if manager != labels.MANAGER and facts.operation is Operation.CREATE:
        yield Violation(
            rule="managed-labels-complete",
            path=_label(labels.MANAGED_BY),
            sent=f"{wording.quote(manager)} is another manager" if manager else "the label is missing",
            allowed=labels.MANAGER,
            suggestion=f'set it to "{labels.MANAGER}"' + (", or leave the label out" if manager else ""),
        )
    if not facts.new.labels.get(labels.TEAM):
        yield Violation(
            rule="managed-labels-complete",
            path=_label(labels.TEAM),
            sent="no team is named",
            allowed="the name of the owning team",
            suggestion=f'set {labels.TEAM}: "{_mended(facts.name, policy)}"',
        )


def defaults_present(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """What mutation adds is there. Mutation may be missed, validation then asks for what it would add."""
    missing = defaults.additions(facts, policy)
    asked = {
        _label(key): value for key, value in missing.labels.items() if key not in labels.IDENTITY_LABELS
    } | {f"metadata.annotations[{key}]": value for key, value in missing.annotations.items()}
    for path, value in asked.items():
        yield Violation(
            rule="defaults-present",
            path=path,
            sent="it is missing, and admission has not added it",
            allowed=wording.quote(value),
            suggestion="set it, or try again",
        )


def pod_security_floor(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The Pod Security levels of a managed namespace are never below those of its tier."""
    if not _is_managed(facts) or _is_admin(facts, policy):
        return
    tier = policy.tiers.get(facts.new.labels.get(labels.TIER, ""), policy.tiers[policy.default_tier])
    for mode, floor in tier.pod_security.items():
        key = labels.POD_SECURITY[mode]
        sent = facts.new.labels.get(key)
        absent_from_new = sent is None and facts.operation is Operation.CREATE  # defaults_present says so
        if not _changed(facts, key) or absent_from_new or (sent and _level(sent) >= _level(floor)):
            continue
        yield Violation(
            rule="pod-security-floor",
            path=_label(key),
            sent=f"{wording.quote(sent)} is below the tier's level"
            if sent is not None
            else "it would be removed",
            allowed=wording.listing(POD_SECURITY_LEVELS[max(_level(floor), 0) :]),
            suggestion=f'set {key}: "{floor}"',
            forbidden=True,
        )
    yield from _pinned_versions(facts)


def _pinned_versions(facts: Facts) -> Iterator[Violation]:
    """A level of an older Kubernetes version forbids less than its name says."""
    for key in (f"{label}-version" for label in labels.POD_SECURITY.values()):
        sent = facts.new.labels.get(key, "latest")
        if _changed(facts, key) and sent != "latest":
            yield Violation(
                rule="pod-security-floor",
                path=_label(key),
                sent=f"{wording.quote(sent)} pins the level to an older version",
                allowed="latest",
                suggestion="leave the label out",
                forbidden=True,
            )


def requested_by_true(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The record of who asked for a namespace names the caller; only some may ask for others."""
    trusted = _is_admin(facts, policy) or facts.caller.username in policy.requesters
    if facts.operation is not Operation.CREATE or trusted:
        return
    sent = facts.new.annotations.get(labels.REQUESTED_BY, facts.caller.username)
    if sent != facts.caller.username:
        yield Violation(
            rule="requested-by-true",
            path=f"metadata.annotations[{labels.REQUESTED_BY}]",
            sent=f"{wording.quote(sent)} is not the caller",
            allowed=wording.quote(facts.caller.username),
            suggestion="leave the annotation out, admission fills it in",
            forbidden=True,
        )


def no_owner_references(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The garbage collector deletes an object whose owner is gone, or never was."""
    if not _is_managed(facts) or _is_admin(facts, policy):
        return
    before = facts.old.owners if facts.old else ()
    for owner in facts.new.owners:
        if owner not in before:
            yield Violation(
                rule="no-owner-references",
                path="metadata.ownerReferences",
                sent=f"{wording.quote(owner)} would own the namespace",
                allowed="none",
                suggestion="leave ownerReferences out",
                forbidden=True,
            )


def managed_labels_immutable(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """Tier, team and manager of an existing namespace change only by the hand of an admin group."""
    if facts.old is None or _is_admin(facts, policy):
        return
    for key in labels.IDENTITY_LABELS:
        if _changed(facts, key) and _is_ours(facts, key):
            yield _immutable(_label(key), facts.old.labels.get(key), facts.new.labels.get(key), policy)
    before = facts.old.annotations.get(labels.REQUESTED_BY)
    after = facts.new.annotations.get(labels.REQUESTED_BY)
    if before != after:
        yield _immutable(f"metadata.annotations[{labels.REQUESTED_BY}]", before, after, policy)


def _immutable(path: str, before: str | None, after: str | None, policy: Policy) -> Violation:
    was = wording.quote(before) if before is not None else "absent"
    now = f"set to {wording.quote(after)}" if after is not None else "removed"
    return Violation(
        rule="managed-labels-immutable",
        path=path,
        sent=f"was {was}, would be {now}",
        allowed=f"changes by {wording.listing(sorted(policy.admin_groups))}",
        suggestion="keep it as it was, or ask a platform admin",
        forbidden=True,
    )


def _is_managed(facts: Facts) -> bool:
    """Whether the namespace would be ours: every new one, and an old one that says so."""
    return facts.operation is Operation.CREATE or facts.new.labels.get(labels.MANAGED_BY) == labels.MANAGER


def _is_ours(facts: Facts, key: str) -> bool:
    """`platform/*` is always ours; the managed-by label only where it names us before or after."""
    before = facts.old.labels.get(key) if facts.old else None
    return key != labels.MANAGED_BY or labels.MANAGER in (before, facts.new.labels.get(key))


def _is_admin(facts: Facts, policy: Policy) -> bool:
    return not policy.admin_groups.isdisjoint(facts.caller.groups)


def _changed(facts: Facts, key: str) -> bool:
    before = facts.old.labels.get(key) if facts.old else None
    return facts.old is None or before != facts.new.labels.get(key)


def _any_changed(facts: Facts, *keys: str) -> bool:
    return any(_changed(facts, key) for key in keys)


def _level(text: str) -> int:
    """The place of a Pod Security level; -1 for one that Kubernetes does not know."""
    return POD_SECURITY_LEVELS.index(text) if text in POD_SECURITY_LEVELS else -1


def _is_name(text: str, policy: Policy) -> bool:
    return (
        len(text) <= NAME_LIMIT and policy.name_pattern.fullmatch(text) is not None and not text.endswith("-")
    )


def _mended(text: str, policy: Policy) -> str:
    """The nearest name that the pattern takes, or a plain one where mending does not help."""
    kept = "".join(char if char.isalnum() and char.isascii() else "-" for char in text.lower()[:NAME_LIMIT])
    for length in (NAME_LIMIT, 31, 15):
        candidate = kept.lstrip("-0123456789")[:length].strip("-")
        if candidate and _is_name(candidate, policy):
            return candidate
    return "payments"


def _freed(rest: str, policy: Policy) -> str:
    """A name without its reserved prefix, if that is one to be had."""
    reserved = rest in policy.reserved_names | policy.exempt_names or rest.startswith(
        policy.reserved_prefixes
    )
    return (
        "choose another name"
        if reserved or not _is_name(rest, policy)
        else f"for instance {wording.quote(rest)}"
    )


def _label(key: str) -> str:
    return f"metadata.labels[{key}]"
