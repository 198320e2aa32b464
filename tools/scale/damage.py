"""What can be done to an object of a bundle by somebody who may: each way, for each kind."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from webhook.adapters.kube import resources
from webhook.core import labels
from webhook.core.model import Manifest, ObjectKey

ADMINS = "platform-admins"
"""The group that the built-in catalogue calls administrators: the policies let them touch our objects."""


class Actor(NamedTuple):
    """Whom a request is made as."""

    user: str
    groups: tuple[str, ...]


ACTORS = (
    Actor("root", ("system:masters",)),
    Actor("alice", (ADMINS, "system:authenticated")),
    Actor("bob", (ADMINS, "system:authenticated")),
)


class Way(StrEnum):
    DELETE = "deleted"
    CHANGE = "a value changed"
    ADD = "a foreign field added"
    UNLABEL = "our label removed"


class Place(NamedTuple):
    """One object in the cluster."""

    namespace: str
    key: ObjectKey

    @property
    def path(self) -> str:
        return resources.BUNDLE[self.key.kind].path(self.namespace, self.key.name)


@dataclass(frozen=True, slots=True)
class Damage:
    place: Place
    way: Way
    actor: Actor


def spread(namespaces: Sequence[str], keys: Sequence[ObjectKey], count: int, *, seed: int) -> list[Damage]:
    """So many damages, no object twice; ways and actors take turns."""
    places = [Place(namespace, key) for namespace in namespaces for key in keys]
    chosen = random.Random(seed).sample(places, count)  # noqa: S311 - reproducible, no secret
    ways, actors = tuple(Way), ACTORS
    return [
        Damage(place, ways[number % len(ways)], actors[number % len(actors)])
        for number, place in enumerate(chosen)
    ]


def patch(way: Way, manifest: Manifest) -> Manifest | None:
    """The merge patch that does it to this object; None where it is deleted."""
    if way is Way.DELETE:
        return None
    if way is Way.UNLABEL:
        return {"metadata": {"labels": {labels.MANAGED_BY: None}}}
    edits = _CHANGES if way is Way.CHANGE else _ADDITIONS
    return edits[manifest["kind"]](manifest)


def essence(manifest: Manifest) -> Manifest:
    """What has to be the same again afterwards: all but what the API server says of the object itself."""
    metadata = manifest["metadata"]
    content = {key: value for key, value in manifest.items() if key not in _NOT_CONTENT}
    return {
        **content,
        "labels": metadata.get("labels", {}),
        "annotations": metadata.get("annotations", {}),
    }


_NOT_CONTENT = frozenset({"apiVersion", "kind", "metadata", "status"})
_Edit = Callable[[Manifest], Manifest]


def _change_limits(manifest: Manifest) -> Manifest:
    first, *rest = manifest["spec"]["limits"]
    return {"spec": {"limits": [{**first, "default": {**first["default"], "cpu": "17"}}, *rest]}}


def _add_limit(manifest: Manifest) -> Manifest:
    return {"spec": {"limits": [*manifest["spec"]["limits"], {"type": "Pod", "max": {"cpu": "99"}}]}}


def _add_subject(manifest: Manifest) -> Manifest:
    mallory = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}
    return {"subjects": [*manifest["subjects"], mallory]}


def _change_subject(manifest: Manifest) -> Manifest:
    first, *rest = manifest["subjects"]
    return {"subjects": [{**first, "name": "mallory"}, *rest]}


def _change_data(manifest: Manifest) -> Manifest:
    return {"data": dict.fromkeys(_some(manifest["data"]), "changed")}


def _some(mapping: Mapping[str, str]) -> Iterator[str]:
    yield next(iter(mapping))


_CHANGES: Mapping[str, _Edit] = {
    "LimitRange": _change_limits,
    "ResourceQuota": lambda _: {"spec": {"hard": {"pods": "9999"}}},
    "NetworkPolicy": lambda _: {"spec": {"podSelector": {"matchLabels": {"app": "nothing"}}}},
    "RoleBinding": _change_subject,
    "ConfigMap": _change_data,
}
_ADDITIONS: Mapping[str, _Edit] = {
    "LimitRange": _add_limit,
    "ResourceQuota": lambda _: {"spec": {"hard": {"services": "0"}}},
    "NetworkPolicy": lambda _: {"spec": {"ingress": [{}]}},
    "RoleBinding": _add_subject,
    "ConfigMap": lambda _: {"data": {"foreign": "true"}},
}
