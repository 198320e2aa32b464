"""Attacks by new objects that carry our label."""

import functools
import itertools
from collections.abc import Iterator

from tests.attack import doors
from tests.attack.actors import ATTACKERS
from tests.attack.cases import Case, CreationCase
from tests.attack.client import Request
from tests.attack.objects import MALLORY, RULES
from tests.attack.stage import COLLECTIONS, Target
from tests.attack.words import MANAGED_BY, MANAGER, Manifest

_PLACES = ("managed", "unmanaged", "kube-public")
_WAYS = ("create", "generate a name", "apply", "update")
_UPSERTED = ("LimitRange", "RoleBinding")
"""What an update makes if it is not there yet."""

_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
BODIES: dict[str, Manifest] = {
    "LimitRange": {"apiVersion": "v1", "spec": {"limits": []}},
    "ResourceQuota": {"apiVersion": "v1", "spec": {"hard": {"pods": "1"}}},
    "ConfigMap": {"apiVersion": "v1", "data": {"a": "b"}},
    "NetworkPolicy": {"apiVersion": "networking.k8s.io/v1", "spec": {"podSelector": {}, "ingress": [{}]}},
    "RoleBinding": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "roleRef": _ROLE,
        "subjects": [MALLORY],
    },
}
"""A valid object of each kind, without what says whose it is."""


def cases(prefix: str) -> Iterator[Case]:
    """Each kind in each way and place, then the same dry; the attackers take turns."""
    numbers = itertools.count(1)
    ways = itertools.product(_PLACES, COLLECTIONS, _WAYS, (False, True))
    for (place, kind, door, dry_run), actor in zip(ways, itertools.cycle(ATTACKERS), strict=False):
        if door == "update" and kind not in _UPSERTED:
            continue
        mark = f"{prefix}-new-{next(numbers)}"
        yield CreationCase(
            area="object",
            change=f"create a {kind}",
            door=door,
            actor=actor,
            target=place,
            rules=RULES,
            request=functools.partial(_creation, kind=kind, door=door, mark=mark),
            collection=functools.partial(_collection, kind=kind),
            mark=mark,
            dry_run=dry_run,
        )


def _collection(target: Target, kind: str) -> str:
    return COLLECTIONS[kind].format(target.name)


def _creation(target: Target, kind: str, door: str, mark: str) -> Request:
    collection = _collection(target, kind)
    labels = {MANAGED_BY: MANAGER, "attack": mark}
    named = {"generateName": f"{mark}-"} if door == "generate a name" else {"name": mark}
    manifest = {**BODIES[kind], "kind": kind, "metadata": {**named, "labels": labels}}
    if door == "apply":
        return doors.applied(manifest, f"{collection}/{mark}", "attacker")
    if door == "update":
        return Request("PUT", f"{collection}/{mark}", manifest)
    return Request("POST", collection, manifest)
