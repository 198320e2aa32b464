"""Attacks by namespaces that are not there yet."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.attack import doors, words
from tests.attack.actors import ATTACKERS, MEMBER, Actor
from tests.attack.cases import Case, CreationCase
from tests.attack.client import Request
from tests.attack.edits import DANGLING, FORGED
from tests.attack.words import EXEMPT, MANAGED_BY, MANAGER, TEAM, TIER, Manifest

_BY_NAME, _BY_PREFIX = ("create", "apply"), ("generate a name", "generate a name under a forged one")


@dataclass(frozen=True, slots=True)
class Creation:
    """`name` is given or, by the other doors, the beginning of one; "" is a new one of the case's own."""

    change: str
    rules: frozenset[str]
    name: str = ""
    labels: Manifest = field(default_factory=dict)
    notes: Manifest = field(default_factory=dict)
    owners: tuple[Manifest, ...] = ()
    doors: tuple[str, ...] = (*_BY_NAME, *_BY_PREFIX)
    exempt: bool = False


def _rules(*names: str) -> frozenset[str]:
    return frozenset(names)


_MINE = {TEAM: "payments"}
_WHOLE = {**words.LABELS}
del _WHOLE[words.EXPIRES_AT]
_RESERVED = _rules("reserved-name")

CREATIONS = (
    Creation("for a team that nobody is in", _rules("team-is-callers"), labels={TEAM: "victims"}),
    Creation("without a team", _rules("team-is-callers", "managed-labels-complete")),
    Creation("for an empty team", _rules("managed-labels-complete"), labels={TEAM: ""}),
    Creation("of no tier", _rules("tier-exists"), labels={**_MINE, TIER: "xl"}),
    Creation("of an empty tier", _rules("tier-exists"), labels={**_MINE, TIER: ""}),
    Creation("for Helm", _rules("managed-labels-complete"), labels={**_MINE, MANAGED_BY: "Helm"}),
    Creation("for no manager", _rules("managed-labels-complete"), labels={**_MINE, MANAGED_BY: ""}),
    Creation("below the floor", _rules("pod-security-floor"), labels={**_WHOLE, words.ENFORCE: "privileged"}),
    Creation("with a low warning", _rules("pod-security-floor"), labels={**_WHOLE, words.WARN: "baseline"}),
    Creation(
        "pinned to an old version",
        _rules("pod-security-floor"),
        labels={**_WHOLE, f"{words.ENFORCE}-version": "v1.24"},
    ),
    Creation(
        "in another's name",
        _rules("requested-by-true"),
        labels=_MINE,
        notes={words.REQUESTED_BY: "somebody"},
    ),
    Creation(
        "with an expiry",
        _rules("managed-labels-immutable"),
        labels={**_MINE, words.EXPIRES_AT: "20990101T000000Z"},
    ),
    Creation("with an owner", _rules("no-owner-references"), labels=_MINE, owners=(DANGLING,)),
    Creation("with two owners", _rules("no-owner-references"), labels=_MINE, owners=(DANGLING, FORGED)),
    Creation("with an endless lifetime", _rules("ttl-valid"), labels=_MINE, notes={words.TTL: "-1h"}),
    Creation("with a quota", _rules("quota-in-bounds"), labels=_MINE, notes={words.QUOTA: "pods=900"}),
    Creation("called like the system", _RESERVED, "kube-attack", _MINE, doors=_BY_NAME),
    Creation("called like the platform", _RESERVED, "openshift-attack", _MINE, doors=_BY_NAME),
    Creation("called admin", _RESERVED, "admin", _MINE, doors=_BY_NAME),
    Creation("called kube-*", _RESERVED, "kube-", _MINE, doors=_BY_PREFIX),
    Creation("called openshift-*", _RESERVED, "openshift-", _MINE, doors=_BY_PREFIX),
    Creation("called like nothing allowed", _rules("name-pattern"), "1-attack", _MINE, doors=_BY_NAME),
    Creation("called like us", _RESERVED, "ns-provisioner", doors=("create",), exempt=True),
    Creation("called like an exempt one", _RESERVED, EXEMPT, doors=_BY_NAME, exempt=True),
    Creation(
        "called like an exempt one, and managed",
        _RESERVED,
        EXEMPT,
        {TIER: "large", TEAM: "shop", MANAGED_BY: MANAGER},
        doors=_BY_NAME,
        exempt=True,
    ),
)


def cases(prefix: str) -> Iterator[Case]:
    """By the member of a team, for whom fewest rules are in the way, and by two others in turns."""
    numbers, turns = itertools.count(1), itertools.cycle(ATTACKERS)
    for creation in CREATIONS:
        for door in creation.doors:
            for actor in (MEMBER, next(turns), next(turns)):
                yield _case(creation, door, actor, f"{prefix}-new-{next(numbers)}")
            yield _case(creation, door, next(turns), f"{prefix}-new-{next(numbers)}", dry_run=True)


def _case(creation: Creation, door: str, actor: Actor, mark: str, *, dry_run: bool = False) -> Case:
    return CreationCase(
        area="creation",
        change=creation.change,
        door=door,
        actor=actor,
        target="unmanaged",
        rules=creation.rules | _besides(creation, door, actor),
        request=lambda _: request(creation, door, mark),
        collection=lambda _: "/api/v1/namespaces",
        mark=mark,
        dry_run=dry_run,
        exempt=creation.exempt,
    )


def _besides(creation: Creation, door: str, actor: Actor) -> frozenset[str]:
    """Whoever is not in the team breaks one rule more; so does whoever keeps mutation away."""
    theirs = creation.labels.get(TEAM) == "payments" and actor != MEMBER
    return (_rules("team-is-callers") if theirs else frozenset()) | (
        _rules("managed-labels-complete", "defaults-present") if door == _BY_PREFIX[1] else frozenset()
    )


def request(creation: Creation, door: str, mark: str) -> Request:
    labels = {**creation.labels, "attack": mark}
    metadata: Manifest = {"labels": labels, "annotations": dict(creation.notes)}
    metadata |= {"ownerReferences": list(creation.owners)} if creation.owners else {}
    name = creation.name or mark
    if door in _BY_PREFIX:
        metadata["generateName"] = name if name.endswith("-") else f"{name}-"
        labels |= {words.NAME_LABEL: "kube-system"} if door == _BY_PREFIX[1] else {}
    else:
        metadata["name"] = name
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    if door == "apply":
        return doors.applied(manifest, f"/api/v1/namespaces/{name}", "attacker")
    return Request("POST", "/api/v1/namespaces", manifest)
