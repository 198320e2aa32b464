"""Attacks on existing namespaces: each change by each door, and deletions."""

import itertools
from collections.abc import Iterable, Iterator, Mapping

from tests.attack import changes, difference
from tests.attack.actors import ADMIN, ATTACKERS, MEMBER, Actor
from tests.attack.cases import Case, NamespaceCase
from tests.attack.changes import Change
from tests.attack.client import Request
from tests.attack.doors import EVERY_NAMESPACE_DOOR, Door
from tests.attack.stage import Target

_DELETIONS = {
    "delete": None,
    "delete at once": {"gracePeriodSeconds": 0},
    "delete in the foreground": {"propagationPolicy": "Foreground"},
    "delete as an orphan": {"propagationPolicy": "Orphan"},
}
_OURS, _PROTECTED = frozenset({"deletion-allowed"}), frozenset({"deletion-protected"})
_SAFE = ("protected", "vault")


def cases(specimens: Mapping[str, Target]) -> Iterator[Case]:
    """Each change by each door; what is harmful by two attackers, and dry at every other door.

    The attackers take turns, so that every one of them tries every change, and every door.
    """
    numbered = itertools.product(enumerate(changes.EVERY), enumerate(EVERY_NAMESPACE_DOOR))
    for (row, change), (column, door) in numbered:
        possible = [specimens[kind] for kind in change.targets if _possible(change, door, specimens[kind])]
        if not possible or door not in change.doors:
            continue
        first, *others = possible
        for step in _steps(change):
            yield case(change, door, _turn(row + column + step), first)
        for specimen in others:
            yield case(change, door, _turn(row + column), specimen)
        if (row + column) % 2:
            yield case(change, door, _turn(row + column + 1), first, dry_run=True)
    yield from _deletions()


def _steps(change: Change) -> Iterable[int]:
    """Who tries a change by one door, counted from whose turn it is: by few doors, all have to."""
    if not change.rules:
        return (0,)
    return (0, 3) if len(change.doors) > len(ATTACKERS) else range(len(ATTACKERS))


def _turn(number: int) -> Actor:
    return ATTACKERS[number % len(ATTACKERS)]


def _possible(change: Change, door: Door, specimen: Target) -> Request | None:
    live = difference.plain(specimen.namespace)
    return door.request(live, change.wanted(live), specimen.path)


def case(
    change: Change, door: Door, actor: Actor, specimen: Target, *, dry_run: bool = False
) -> NamespaceCase:
    live = difference.plain(specimen.namespace)

    def request(target: Target) -> Request:
        found = difference.plain(target.namespace)
        made = door.request(found, change.wanted(found), target.path)
        assert made is not None
        return made

    return NamespaceCase(
        area="namespace",
        change=change.name,
        door=door.name,
        actor=actor,
        target=specimen.kind,
        rules=change.rules_against(actor),
        request=request,
        dry_run=dry_run,
        by_server=change.by_server or door.conflicts(live, change.wanted(live)),
    )


def _deletions() -> Iterator[Case]:
    for (door, body), actor, kind, dry_run in itertools.product(
        _DELETIONS.items(), (*ATTACKERS, ADMIN), ("managed", *_SAFE), (False, True)
    ):
        mine = actor in (MEMBER, ADMIN)
        rules = (frozenset() if mine else _OURS) | (_PROTECTED if kind in _SAFE else frozenset())
        if actor != ADMIN or kind in _SAFE:
            yield deletion(door, body, actor, kind, rules, dry_run=dry_run)
    for actor in ATTACKERS:
        yield NamespaceCase(
            area="deletion",
            change="delete all",
            door="delete collection",
            actor=actor,
            target="managed",
            rules=_OURS,
            request=lambda _: Request("DELETE", "/api/v1/namespaces"),
            by_server=True,
        )


def deletion(
    door: str, body: object, actor: Actor, kind: str, rules: frozenset[str], *, dry_run: bool
) -> NamespaceCase:
    return NamespaceCase(
        area="deletion",
        change="delete",
        door=door,
        actor=actor,
        target=kind,
        rules=rules,
        request=lambda target: Request("DELETE", target.path, body),
        dry_run=dry_run,
    )
