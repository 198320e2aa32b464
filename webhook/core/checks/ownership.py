"""Checks on whose a namespace is: its team, its manager, its record and its owners."""

from collections.abc import Iterator

from webhook.core import defaults, identity, labels, wording
from webhook.core.checks.common import (
    annotation,
    annotation_changed,
    changed,
    is_adopted,
    is_managed,
    label,
    mended,
)
from webhook.core.model import Facts, NamespaceState, Operation, Violation
from webhook.core.pattern import Pattern
from webhook.core.policy import Policy


def team_is_callers(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """A tenant creates namespaces for teams that its groups make it a member of."""
    team = facts.new.labels.get(labels.TEAM)
    if facts.operation is not Operation.CREATE or not team:
        return
    if identity.acts_for_others(facts.caller, policy) or identity.is_member(facts.caller, team, policy):
        return
    mine = identity.teams(facts.caller, policy)
    yield Violation(
        rule="team-is-callers",
        path=label(labels.TEAM),
        sent=f"{wording.quote(team)} is not one of your teams",
        allowed=wording.listing(map(wording.quote, mine)) if mine else "none: your groups name no team",
        suggestion=(
            f"set {labels.TEAM}: {wording.quote(wording.nearest(team, mine))}"
            if mine
            else f"ask a platform admin to add you to the group {wording.quote(policy.group_of(team))}"
        ),
        forbidden=True,
    )


def managed_labels_complete(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """A managed namespace says whose it is: completed at admission, and never taken apart."""
    if not is_managed(facts) or not (changed(facts, labels.TEAM) or is_adopted(facts)):
        return
    manager = facts.new.labels.get(labels.MANAGED_BY)
    if manager != labels.MANAGER:
        yield Violation(
            rule="managed-labels-complete",
            path=label(labels.MANAGED_BY),
            sent=f"{wording.quote(manager)} is another manager" if manager else "the label is missing",
            allowed=labels.MANAGER,
            suggestion=f'set it to "{labels.MANAGER}"' + (", or leave the label out" if manager else ""),
        )
    if not facts.new.labels.get(labels.TEAM):
        yield Violation(
            rule="managed-labels-complete",
            path=label(labels.TEAM),
            sent="no team is named",
            allowed="the name of the owning team",
            suggestion=f'set {labels.TEAM}: "{mended(facts.name, policy)}"',
        )


def required_metadata(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """Labels and annotations that the platform asks for are there, with values that it takes."""
    if not is_managed(facts):
        return
    for key, pattern in policy.required_labels.items():
        if changed(facts, key) or is_adopted(facts):
            yield from _required(label(key), key, facts.new.labels.get(key), pattern)
    for key, pattern in policy.required_annotations.items():
        if annotation_changed(facts, key) or is_adopted(facts):
            yield from _required(annotation(key), key, facts.new.annotations.get(key), pattern)


def _required(path: str, key: str, sent: str | None, pattern: Pattern) -> Iterator[Violation]:
    if sent is not None and pattern.matches(sent):
        return
    yield Violation(
        rule="required-metadata",
        path=path,
        sent="it is missing" if sent is None else f"{wording.quote(sent)} will not do",
        allowed=pattern.text,
        suggestion=f"set {key} to a value that matches",
    )


def defaults_present(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """What mutation adds is there. Mutation may be missed, validation then asks for what it would add."""
    missing = defaults.additions(facts, policy)
    asked = {
        label(key): value for key, value in missing.labels.items() if key not in labels.IDENTITY_LABELS
    } | {annotation(key): value for key, value in missing.annotations.items()}
    for path, value in asked.items():
        yield Violation(
            rule="defaults-present",
            path=path,
            sent="it is missing, and admission has not added it",
            allowed=wording.quote(value),
            suggestion="set it, or try again",
        )


def requested_by_true(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The record of who asked for a namespace names the caller; only some may ask for others."""
    if facts.operation is not Operation.CREATE or identity.acts_for_others(facts.caller, policy):
        return
    sent = facts.new.annotations.get(labels.REQUESTED_BY, facts.caller.username)
    if sent != facts.caller.username:
        yield Violation(
            rule="requested-by-true",
            path=annotation(labels.REQUESTED_BY),
            sent=f"{wording.quote(sent)} is not the caller",
            allowed=wording.quote(facts.caller.username),
            suggestion="leave the annotation out, admission fills it in",
            forbidden=True,
        )


def no_owner_references(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The garbage collector deletes an object whose owner is gone, or never was."""
    if not is_managed(facts) or identity.is_admin(facts.caller, policy):
        return
    before = facts.old.owners if facts.old and not is_adopted(facts) else ()
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
    """What says whose a namespace is, and what it gets, changes only by the hand of those named."""
    if identity.is_admin(facts.caller, policy):
        return
    old, new, admins = facts.old, facts.new, sorted(policy.admin_groups)
    if not identity.is_controller(facts.caller, policy):
        for path, before, after in _controllers(facts):
            if before != after:
                yield _immutable(path, before, after, ["ns-provisioner's controller", *admins])
    appliers = [*admins, *(["GitOps appliers"] if policy.appliers else [])]
    if not identity.is_applier(facts.caller, policy):
        before = old.annotations.get(labels.FORCE) if old else None
        if before != new.annotations.get(labels.FORCE):
            yield _immutable(annotation(labels.FORCE), before, new.annotations.get(labels.FORCE), appliers)
    if old is None:
        return
    if not identity.is_applier(facts.caller, policy):
        for key in labels.IDENTITY_LABELS:
            if changed(facts, key) and _is_ours(facts, key):
                yield _immutable(label(key), old.labels.get(key), new.labels.get(key), appliers)
    if annotation_changed(facts, labels.REQUESTED_BY):
        record = old.annotations.get(labels.REQUESTED_BY), new.annotations.get(labels.REQUESTED_BY)
        yield _immutable(annotation(labels.REQUESTED_BY), *record, admins)


def _controllers(facts: Facts) -> Iterator[tuple[str, str | None, str | None]]:
    """What our controller notes of a namespace's end: path, value before, value after."""
    old, new = facts.old or NamespaceState(), facts.new
    key = labels.EXPIRES_AT
    yield label(key), old.labels.get(key), new.labels.get(key)
    key = labels.IDLE_SINCE
    yield annotation(key), old.annotations.get(key), new.annotations.get(key)


def _immutable(path: str, before: str | None, after: str | None, writers: list[str]) -> Violation:
    was = wording.quote(before) if before is not None else "absent"
    now = f"set to {wording.quote(after)}" if after is not None else "removed"
    return Violation(
        rule="managed-labels-immutable",
        path=path,
        sent=f"was {was}, would be {now}",
        allowed=f"changes by {wording.listing(writers)}",
        suggestion="keep it as it was, or ask a platform admin",
        forbidden=True,
    )


def _is_ours(facts: Facts, key: str) -> bool:
    """`platform/*` is always ours; the managed-by label only where it names us before or after."""
    before = facts.old.labels.get(key) if facts.old else None
    return key != labels.MANAGED_BY or labels.MANAGER in (before, facts.new.labels.get(key))


def settings_by_owner(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """Lifetime, quota and deletion protection of an existing namespace are its own team's to set."""
    if facts.old is None or facts.old.labels.get(labels.MANAGED_BY) != labels.MANAGER:
        return
    team = facts.old.labels.get(labels.TEAM, "")
    if identity.acts_for_others(facts.caller, policy) or identity.is_member(facts.caller, team, policy):
        return
    for key in labels.OWNER_SETTINGS:
        if annotation_changed(facts, key):
            yield Violation(
                rule="settings-by-owner",
                path=annotation(key),
                sent=f"you are not in team {wording.quote(team)}",
                allowed=f"changes by members of {wording.quote(policy.group_of(team))}",
                suggestion="leave it as it was, or ask the team",
                forbidden=True,
            )
