"""What attackers want of an existing namespace. Each change knows which rules stand against it."""

from dataclasses import dataclass

from tests.attack import words
from tests.attack.actors import MEMBER, Actor
from tests.attack.doors import EVERY_NAMESPACE_DOOR, FINALIZE, Door
from tests.attack.edits import (
    DANGLING,
    FORGED,
    Edit,
    both,
    edited,
    finalizers,
    labels,
    labels_absent,
    labels_null,
    notes,
    owners,
    plain_labels,
    plain_notes,
)
from tests.attack.words import LABELS, MANAGED_BY, MANAGER, TEAM, TIER, Manifest

_IMMUTABLE = frozenset({"managed-labels-immutable"})
_FLOOR = frozenset({"pod-security-floor"})
_OWNERS = frozenset({"no-owner-references"})
_SETTINGS = frozenset({"settings-by-owner"})
_FINALIZERS = frozenset({"finalizers-kept"})
_HARMLESS: frozenset[str] = frozenset()
_FOR_THE_TEAM = frozenset({"settings-by-owner"})


@dataclass(frozen=True, slots=True)
class Change:
    """`rules`: one of them refuses it; none for what everybody may do, because it harms nobody."""

    name: str
    edit: Edit
    rules: frozenset[str]
    targets: tuple[str, ...] = ("managed",)
    doors: tuple[Door, ...] = EVERY_NAMESPACE_DOOR
    by_server: bool = False
    """Whether the API server refuses it on its own, before it asks anybody."""

    def wanted(self, live: Manifest) -> Manifest:
        return edited(live, self.edit)

    def rules_against(self, actor: Actor) -> frozenset[str]:
        """The team may do some things with what is its own."""
        return self.rules - _FOR_THE_TEAM if actor == MEMBER else self.rules


def _immutable(table: dict[str, Edit], targets: tuple[str, ...]) -> list[Change]:
    return [Change(name, edit, _IMMUTABLE, targets) for name, edit in table.items()]


_HELD = ("managed", "terminating")

IDENTITY = _immutable(
    {
        "raise tier": labels(tier="large"),
        "lower tier": labels(tier="freemium"),
        "unknown tier": labels(tier="xl"),
        "empty tier": labels(tier=""),
        "remove tier": labels(tier=None),
        "other team": labels(team="shop"),
        "empty team": labels(team=""),
        "remove team": labels(team=None),
        "remove manager": labels(manager=None),
        "empty manager": labels(manager=""),
        "manager Helm": labels(manager="Helm"),
        "manager in capitals": labels(manager="NS-Provisioner"),
        "labels null": labels_null,
        "labels absent": labels_absent,
        "set expiry": labels(expires="20000101T000000Z"),
        "empty expiry": labels(expires=""),
        "remove expiry": labels(expires=None),
        "set idleness": notes(idle="1772366400"),
        "force a tier": notes(force="large"),
        "rewrite requester": notes(requester="mallory"),
        "empty requester": notes(requester=""),
        "remove requester": notes(requester=None),
        "detach, retier and take over": labels(manager=None, tier="large", team="shop"),
        "forge the name and raise tier": plain_labels({words.NAME_LABEL: "kube-system", TIER: "large"}),
        "take over and leave look-alikes": plain_labels({TEAM: "shop", "platform/Team": "payments"}),
    },
    _HELD,
)

POD_SECURITY = [
    Change(name, edit, _FLOOR, _HELD)
    for name, edit in {
        "enforce privileged": labels(enforce="privileged"),
        "remove enforce": labels(enforce=None),
        "warn baseline": labels(warn="baseline"),
        "remove warn": labels(warn=None),
        **{
            f"pin {mode}": plain_labels({f"pod-security.kubernetes.io/{mode}-version": "v1.24"})
            for mode in ("enforce", "warn", "audit")
        },
    }.items()
] + [
    Change("detach and lower", labels(manager=None, enforce="privileged"), _IMMUTABLE | _FLOOR, _HELD),
    Change("empty enforce", labels(enforce=""), _FLOOR, by_server=True),
    Change("enforce in capitals", labels(enforce="Restricted"), _FLOOR, by_server=True),
]

OWNERS = [
    Change(name, owners(*references), _OWNERS, _HELD)
    for name, references in (
        ("an owner that is gone", [DANGLING]),
        ("a forged owner", [FORGED]),
        ("two owners", [DANGLING, FORGED]),
    )
]

FINALIZERS = [
    Change(name, edit, rules, ("managed",), FINALIZE)
    for name, edit, rules in (
        ("empty the finalizers", finalizers(), _FINALIZERS),
        ("another finalizer", finalizers("example.com/mine"), _FINALIZERS),
        (
            "detach and empty the finalizers",
            both(labels(manager=None), finalizers()),
            _FINALIZERS | _IMMUTABLE,
        ),
    )
]

SETTINGS = [
    Change(name, edit, _SETTINGS)
    for name, edit in {
        "another lifetime": notes(ttl="60d"),
        "remove the lifetime": notes(ttl=None),
        "protect from deletion": notes(protection="true"),
        "protect not": notes(protection="false"),
    }.items()
] + [
    Change("lift the protection", notes(protection="false"), _SETTINGS, ("protected",)),
    Change("remove the protection", notes(protection=None), _SETTINGS, ("protected",)),
    Change("a quota within bounds", notes(quota="requests.cpu=6"), _SETTINGS),
    Change("a quota out of bounds", notes(quota="pods=30"), _SETTINGS | {"quota-in-bounds"}),
    Change(
        "lift the tier's protection",
        notes(protection="false"),
        _SETTINGS | {"deletion-protected"},
        ("vault",),
    ),
]

_ALL = {TIER: "small", TEAM: "shop", MANAGED_BY: MANAGER}
_UNMANAGED = ("unmanaged", "kube-system", "kube-public", "default", "ns-provisioner")

ADOPTION = _immutable(
    {
        "adopt all at once": plain_labels({**_ALL, words.ENFORCE: "privileged"}),
        "adopt like a new one": plain_labels(dict(LABELS)),
        "adopt by tier": labels(tier="large"),
        "adopt by team": labels(team="shop"),
        "adopt by manager": labels(manager=MANAGER),
        "adopt by expiry": labels(expires="20000101T000000Z"),
        "adopt by requester": notes(requester="mallory"),
    },
    _UNMANAGED,
)

_EVERYWHERE, _OURS = ("bare", "unmanaged", "terminating"), ("bare",)
HARMLESS = [
    Change(name, edit, _HARMLESS, targets)
    for name, edit, targets in (
        ("a label of one's own", plain_labels({"cost-centre": "42"}), _EVERYWHERE),
        ("a note", plain_notes({"platform/note": "hello"}), _EVERYWHERE),
        ("a look-alike of manager", plain_labels({"app.kubernetes.io/Managed-By": MANAGER}), _EVERYWHERE),
        ("a look-alike of tier", plain_labels({"platform/Tier": "large"}), _OURS),
        ("another platform's tier", plain_labels({"platform.io/tier": "large"}), _OURS),
        ("a look-alike of team", plain_labels({"platform/teams": "shop"}), _OURS),
        ("a forged name", plain_labels({words.NAME_LABEL: "kube-system"}), _OURS),
        ("an audit level", labels(audit="privileged"), _OURS),
        ("stricter Pod Security", labels(enforce="restricted"), _OURS),
        ("the newest version", plain_labels({f"{words.ENFORCE}-version": "latest"}), _OURS),
    )
]
"""They may pass, but must not pass for ours."""

HARMFUL = (*IDENTITY, *POD_SECURITY, *OWNERS, *FINALIZERS, *SETTINGS, *ADOPTION)
EVERY = (*HARMFUL, *HARMLESS)
