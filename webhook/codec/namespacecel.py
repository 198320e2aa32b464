"""The rules on namespaces as expressions of the API server's language, CEL.

Each says what the check of the same id in `webhook.core.checks` says, of the object before and after.
Source: kubernetes.io, "Common Expression Language in Kubernetes".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.core import labels
from webhook.core.policy import POD_SECURITY_LEVELS, Policy


@dataclass(frozen=True, slots=True)
class Check:
    """One validation: it holds where `expression` does; `message` is CEL, too."""

    rule: str
    expression: str
    message: str


def variables(policy: Policy) -> Mapping[str, str]:
    """Evaluated when first used; each may use those before it."""
    username, groups = "request.userInfo.username", policy.team_groups
    in_team = (
        "true"
        if groups is None
        else "variables.team != '' && has(request.userInfo.groups) && "
        f"({text(groups.prefix)} + variables.team + {text(groups.suffix)}) in request.userInfo.groups"
    )
    floors = {name: _ranks(tier.pod_security) for name, tier in policy.tiers.items()}
    protected = sorted(name for name, tier in policy.tiers.items() if tier.deletion_protection)
    return {
        "admin": in_group(policy.admin_groups),
        "applier": f"{username} in {listed(sorted(policy.appliers))}",
        "controller": f"{username} in {listed(sorted(policy.controllers))}",
        "actsForOthers": (
            f"variables.admin || variables.applier || {username} in {listed(sorted(policy.requesters))}"
        ),
        "current": "object == null ? oldObject : object",
        "before": _map("oldObject", "labels"),
        "after": "has(variables.current.metadata.labels) ? variables.current.metadata.labels : {}",
        "notesBefore": _map("oldObject", "annotations"),
        "notesAfter": (
            "has(variables.current.metadata.annotations) ? variables.current.metadata.annotations : {}"
        ),
        "team": f"variables.before[?{text(labels.TEAM)}].orValue('')",
        "inTeam": in_team,
        "exempt": f"variables.current.metadata.name in {listed(sorted(policy.exempt_names))}",
        # A new namespace is the webhooks' to judge, but for those that they skip by name.
        "judged": "request.operation == 'UPDATE' || (request.operation == 'CREATE' && variables.exempt)",
        "wasManaged": _is_managed("before"),
        "isManaged": _is_managed("after"),
        "adopted": "variables.isManaged && !variables.wasManaged",
        "ranks": _literal(_ranks({level: level for level in POD_SECURITY_LEVELS})),
        "floors": (
            f"{_literal(floors)}[?variables.after[?{text(labels.TIER)}].orValue('')]"
            f".orValue({_literal(floors[policy.default_tier])})"
        ),
        "deleted": (
            "request.operation == 'DELETE' && variables.isManaged && "
            "!has(oldObject.metadata.deletionTimestamp)"
        ),
        "protectedByTier": f"variables.after[?{text(labels.TIER)}].orValue('') in {listed(protected)}",
        "protection": f"variables.notesAfter[?{text(labels.DELETION_PROTECTION)}].orValue('')",
    }


def checks(policy: Policy) -> list[Check]:
    """In the order in which the webhook reports violations."""
    return [
        _reserved_check(policy),
        *_immutable_checks(policy),
        *_pod_security_checks(),
        *_owner_checks(),
        *_finalizer_checks(policy),
        *_setting_checks(policy),
        *_deletion_checks(policy),
    ]


def _reserved_check(policy: Policy) -> Check:
    """Whoever creates a namespace that the webhooks skip could bear the names of those we trust."""
    admins = ", ".join(sorted(policy.admin_groups))
    message = f"[reserved-name] metadata.name: it is reserved; allowed: creation by {admins}; "
    return Check(
        "reserved-name",
        "request.operation != 'CREATE' || !variables.exempt || variables.admin",
        text(message + "choose another name"),
    )


def _immutable_checks(policy: Policy) -> list[Check]:
    rule, admins = "managed-labels-immutable", ", ".join(sorted(policy.admin_groups))
    appliers = f"{admins}, GitOps appliers" if policy.appliers else admins
    ours = f"(variables.before[?{text(labels.MANAGED_BY)}].orValue('') != {text(labels.MANAGER)} && "
    ours += f"variables.after[?{text(labels.MANAGED_BY)}].orValue('') != {text(labels.MANAGER)})"
    not_ours = {labels.MANAGED_BY: f" || {ours}"}
    checks = [
        Check(
            rule,
            f"!variables.judged || variables.admin || variables.applier || "
            f"{_same('before', 'after', key)}{not_ours.get(key, '')}",
            _changed_message(rule, "labels", key, "before", "after", appliers),
        )
        for key in labels.IDENTITY_LABELS
    ]
    controllers = (
        ("labels", labels.EXPIRES_AT, "before", "after"),
        ("annotations", labels.IDLE_SINCE, "notesBefore", "notesAfter"),
    )
    checks += [
        Check(
            rule,
            "request.operation == 'DELETE' || variables.admin || variables.controller || "
            + _same(before, after, key),
            _changed_message(rule, part, key, before, after, f"ns-provisioner's controller, {admins}"),
        )
        for part, key, before, after in controllers
    ]
    force = labels.FORCE
    return [
        *checks,
        Check(
            rule,
            "request.operation == 'DELETE' || variables.admin || variables.applier || "
            + _same("notesBefore", "notesAfter", force),
            _changed_message(rule, "annotations", force, "notesBefore", "notesAfter", appliers),
        ),
        Check(
            rule,
            "request.operation != 'UPDATE' || variables.admin || "
            + _same("notesBefore", "notesAfter", labels.REQUESTED_BY),
            text(
                f"[{rule}] metadata.annotations[{labels.REQUESTED_BY}]: the record of who asked would "
                f"change; allowed: changes by {admins}; keep it as it was, or ask a platform admin"
            ),
        ),
    ]


def _changed_message(rule: str, part: str, key: str, before: str, after: str, writers: str) -> str:
    """The sentence of the webhook's denial, as CEL."""
    old, new = f"variables.{before}[?{text(key)}]", f"variables.{after}[?{text(key)}]"
    was = f"({old}.hasValue() ? '\"' + {old}.value() + '\"' : 'absent')"
    now = f"({new}.hasValue() ? 'set to \"' + {new}.value() + '\"' : 'removed')"
    beginning = text(f"[{rule}] metadata.{part}[{key}]: was ")
    end = text(f"; allowed: changes by {writers}; keep it as it was, or ask a platform admin")
    return f"{beginning} + {was} + ', would be ' + {now} + {end}"


def _pod_security_checks() -> list[Check]:
    rule = "pod-security-floor"
    outside = "request.operation != 'UPDATE' || !variables.isManaged || variables.admin"
    retiered = f"!({_same('before', 'after', labels.TIER)})"
    checks = []
    for mode, key in labels.POD_SECURITY.items():
        same = f"({_same('before', 'after', key)} && !variables.adopted && !{retiered})"
        level = f"variables.ranks[?variables.after[?{text(key)}].orValue('')].orValue(-1)"
        holds = f"{level} >= variables.floors[?{text(mode)}].orValue(-1)"
        message = f"[{rule}] metadata.labels[{key}]: it would be below the tier's level; allowed: the tier's "
        message += "level and stricter ones; keep it as it was"
        checks.append(Check(rule, f"{outside} || {same} || {holds}", text(message)))
        pin = f"{key}-version"
        latest = f"variables.after[?{text(pin)}].orValue('latest') == 'latest'"
        same = f"({_same('before', 'after', pin)} && !variables.adopted)"
        message = f"[{rule}] metadata.labels[{pin}]: it pins the level to an older version; allowed: latest; "
        message += "leave the label out"
        checks.append(Check(rule, f"{outside} || {latest} || {same}", text(message)))
    return checks


def _owner_checks() -> list[Check]:
    rule = "no-owner-references"
    known = (
        "!variables.adopted && has(oldObject.metadata.ownerReferences) && "
        "oldObject.metadata.ownerReferences.exists(known, known.kind == owner.kind && "
        "known.name == owner.name && known.uid == owner.uid)"
    )
    expression = (
        "request.operation != 'UPDATE' || !variables.isManaged || variables.admin || "
        f"!has(object.metadata.ownerReferences) || object.metadata.ownerReferences.all(owner, {known})"
    )
    message = f"[{rule}] metadata.ownerReferences: an owner would be added; allowed: none; "
    return [Check(rule, expression, text(message + "leave ownerReferences out"))]


def _finalizer_checks(policy: Policy) -> list[Check]:
    rule, admins = "finalizers-kept", ", ".join(sorted(policy.admin_groups))
    expression = (
        "request.operation != 'UPDATE' || !(variables.wasManaged || variables.isManaged) || "
        "variables.admin || !has(oldObject.spec.finalizers) || oldObject.spec.finalizers.all(kept, "
        "has(object.spec.finalizers) && kept in object.spec.finalizers)"
    )
    message = (
        f"[{rule}] spec.finalizers: one would be removed; allowed: changes by Kubernetes itself, {admins}; "
        "find out what keeps the namespace from going, or ask a platform admin"
    )
    return [Check(rule, expression, text(message))]


def _setting_checks(policy: Policy) -> list[Check]:
    rule = "settings-by-owner"
    outside = "request.operation != 'UPDATE' || !variables.wasManaged"
    may = f"{outside} || variables.actsForOthers || variables.inTeam"
    return [
        Check(
            rule,
            f"{may} || {_same('notesBefore', 'notesAfter', key)}",
            text(f"[{rule}] metadata.annotations[{key}]: you are not in team ")
            + f" + '\"' + variables.team + '\"' + '; allowed: changes by members of ' + {_group(policy)}"
            + " + '; leave it as it was, or ask the team'",
        )
        for key in labels.OWNER_SETTINGS
    ]


def _deletion_checks(policy: Policy) -> list[Check]:
    allowed, protected = "deletion-allowed", "deletion-protected"
    admins, path = (
        ", ".join(sorted(policy.admin_groups)),
        f"metadata.annotations[{labels.DELETION_PROTECTION}]",
    )
    same = _same("notesBefore", "notesAfter", labels.DELETION_PROTECTION)
    return [
        Check(
            allowed,
            "!variables.deleted || variables.actsForOthers || variables.controller || variables.inTeam",
            text(f"[{allowed}] metadata.labels[{labels.TEAM}]: the namespace belongs to team ")
            + " + '\"' + variables.team + '\"' + ', which you are not in; allowed: members of ' + "
            + _group(policy)
            + f" + {text(f', {admins}; ask the team')}",
        ),
        Check(
            protected,
            "!variables.deleted || !(variables.protection == 'true' || "
            "(variables.protectedByTier && variables.protection != 'false'))",
            text(
                f"[{protected}] {path}: the namespace is protected; allowed: deletion once the protection is "
                f'off; set {labels.DELETION_PROTECTION}: "false" first'
            ),
        ),
        Check(
            protected,
            "request.operation != 'UPDATE' || !variables.isManaged || !variables.protectedByTier || "
            f"variables.protection != 'false' || variables.admin || variables.applier || {same}",
            text(
                f'[{protected}] {path}: "false" would lift the protection that the tier gives; '
                f"allowed: changes by {admins}; leave the annotation out, or ask a platform admin"
            ),
        ),
    ]


def _group(policy: Policy) -> str:
    """The name of the team's group, as CEL."""
    prefix, _, suffix = policy.group_of("\0").partition("\0")
    return f"{text(prefix)} + variables.team + {text(suffix)}"


def _is_managed(when: str) -> str:
    return f"variables.{when}[?{text(labels.MANAGED_BY)}].orValue('') == {text(labels.MANAGER)}"


def _same(before: str, after: str, key: str) -> str:
    return f"variables.{before}[?{text(key)}] == variables.{after}[?{text(key)}]"


def _map(source: str, part: str) -> str:
    return f"{source} != null && has({source}.metadata.{part}) ? {source}.metadata.{part} : {{}}"


def in_group(groups: Iterable[str]) -> str:
    """Whether the caller is in one of `groups`."""
    return (
        "(has(request.userInfo.groups) && "
        f"request.userInfo.groups.exists(group, group in {listed(sorted(groups))}))"
    )


def _ranks(levels: Mapping[str, str]) -> dict[str, int]:
    """Pod Security levels as numbers, so that CEL can compare them."""
    return {key: POD_SECURITY_LEVELS.index(level) for key, level in levels.items()}


def text(value: str) -> str:
    """A CEL string literal; JSON's are such, but for its way to escape what is beyond 16 bits."""
    return json.dumps(value, ensure_ascii=False)


def listed(values: Iterable[str]) -> str:
    """A CEL list of strings."""
    return _literal(list(values))


def _literal(value: Any) -> str:
    """As Go writes JSON, so that the chart's templates give the same text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
