"""Attacks on the objects of a bundle, and on what our label stands for."""

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.attack import difference, doors, words
from tests.attack.actors import ATTACKERS, Actor
from tests.attack.cases import Case, ObjectCase
from tests.attack.client import Request
from tests.attack.doors import Door
from tests.attack.edits import DANGLING, Edit, edited, owners, plain_labels
from tests.attack.stage import Target, path_of
from tests.attack.words import MANAGED_BY, MANAGER, Manifest

RULES = frozenset({"managed-objects"})
KEYS = (
    "LimitRange/default",
    "ResourceQuota/default",
    "NetworkPolicy/default-deny-all",
    "RoleBinding/team-edit",
    "ConfigMap/ours",
)
MALLORY = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """`keys` are the objects that it makes sense for."""

    name: str
    edit: Edit
    keys: tuple[str, ...] = KEYS
    doors: tuple[Door, ...] = doors.OBJECT

    def wanted(self, live: Manifest) -> Manifest:
        return edited(live, self.edit)


def _at(path: str, value: object) -> Edit:
    """Sets one field, by its dotted path."""

    def edit(manifest: Manifest) -> None:
        *parents, last = path.split(".")
        for step in parents:
            manifest = manifest[step]
        manifest[last] = value

    return edit


def _more_room(manifest: Manifest) -> None:
    manifest["spec"]["limits"][0]["default"] = {"cpu": "64", "memory": "64Gi"}


_FINALIZERS = ["example.com/stuck"]
CHANGES = (
    ObjectChange("loosen", _more_room, ("LimitRange/default",)),
    ObjectChange("loosen", _at("spec.hard", {"pods": "1000"}), ("ResourceQuota/default",)),
    ObjectChange("loosen", _at("spec.ingress", [{}]), ("NetworkPolicy/default-deny-all",)),
    ObjectChange("loosen", _at("subjects", [MALLORY]), ("RoleBinding/team-edit",)),
    ObjectChange("loosen", _at("data", {"a": "c"}), ("ConfigMap/ours",)),
    ObjectChange("detach", plain_labels({MANAGED_BY: None})),
    ObjectChange("hand over", plain_labels({MANAGED_BY: "Helm"})),
    ObjectChange("empty the manager", plain_labels({MANAGED_BY: ""})),
    ObjectChange("hide the revision", plain_labels({words.TIER_REVISION: None})),
    ObjectChange("labels null", _at("metadata.labels", None)),
    ObjectChange("own", owners(DANGLING)),
    ObjectChange("hold", _at("metadata.finalizers", _FINALIZERS)),
    ObjectChange("annotate", _at("metadata.annotations", {"note": "mine"})),
    ObjectChange("strip managedFields", _at("metadata.managedFields", [{}]), doors=doors.PATCHES),
    ObjectChange("adopt one's own", plain_labels({MANAGED_BY: MANAGER}), ("ConfigMap/own",)),
)
QUOTA_STATUS = (
    ObjectChange("detach", plain_labels({MANAGED_BY: None}), KEYS[1:2], doors.STATUS),
    ObjectChange("hand over", plain_labels({MANAGED_BY: "Helm"}), KEYS[1:2], doors.STATUS),
    ObjectChange("own", owners(DANGLING), KEYS[1:2], doors.STATUS),
    ObjectChange("count less", _at("status.hard", {"pods": "1000"}), KEYS[1:2], doors.STATUS),
    ObjectChange("use it up", _at("status.used", {"pods": "20"}), KEYS[1:2], doors.STATUS),
)
_DELETIONS = {
    "delete": None,
    "delete at once": {"gracePeriodSeconds": 0},
    "delete in the foreground": {"propagationPolicy": "Foreground"},
    "delete as an orphan": {"propagationPolicy": "Orphan"},
}
_COLLECTIVE = {"delete by our label": {"labelSelector": f"{MANAGED_BY}={MANAGER}"}, "delete all": {}}


def cases(specimen: Target) -> Iterator[Case]:
    """Each change by each door; the attackers take turns, and every other attack is made dry, too."""
    turns, dry = itertools.cycle(ATTACKERS), itertools.cycle((False, True))
    for change in (*CHANGES, *QUOTA_STATUS):
        for key, door in itertools.product(change.keys, change.doors):
            live = difference.plain(specimen.objects[key])
            if door.request(live, change.wanted(live), "") is None:
                continue
            yield case(change, door, key, next(turns), specimen)
            if next(dry):
                yield case(change, door, key, next(turns), specimen, dry_run=True)
    yield from _deletions()


def case(
    change: ObjectChange, door: Door, key: str, actor: Actor, specimen: Target, *, dry_run: bool = False
) -> ObjectCase:
    live = difference.plain(specimen.objects[key])

    def request(target: Target) -> Request:
        found = difference.plain(target.objects[key])
        made = door.request(found, change.wanted(found), path_of(found))
        assert made is not None
        return made

    return ObjectCase(
        area="object",
        change=change.name,
        door=door.name,
        actor=actor,
        target="managed",
        rules=RULES,
        request=request,
        key=key,
        dry_run=dry_run,
        by_server=door.conflicts(live, change.wanted(live)),
    )


def _deletions() -> Iterator[Case]:
    turns = itertools.cycle(ATTACKERS)
    for (door, body), key, _ in itertools.product(_DELETIONS.items(), KEYS, range(3)):
        yield _deletion(door, key, next(turns), functools.partial(_delete, key=key, body=body))
    for (door, query), key, _ in itertools.product(_COLLECTIVE.items(), KEYS, range(2)):
        yield _deletion(door, key, next(turns), functools.partial(_purge, key=key, query=query))


def _deletion(door: str, key: str, actor: Actor, request: Callable[[Target], Request]) -> Case:
    return ObjectCase(
        area="object",
        change="delete",
        door=door,
        actor=actor,
        target="managed",
        rules=RULES,
        request=request,
        key=key,
        wasted=door == "delete all",
    )


def _delete(target: Target, key: str, body: Manifest | None) -> Request:
    return Request("DELETE", path_of(target.objects[key]), body)


def _purge(target: Target, key: str, query: dict[str, str]) -> Request:
    collection = path_of(target.objects[key]).rpartition("/")[0]
    return Request("DELETE", collection, query=query)
