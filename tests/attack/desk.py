"""How everyday work is done: each step is a request, or a few, that have to succeed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.attack import difference, doors, objectcreations, words
from tests.attack.actors import Actor
from tests.attack.client import Client, Request
from tests.attack.edits import Edit, edited
from tests.attack.stage import COLLECTIONS, HOLD, Target, path_of
from tests.attack.words import MANAGER, TEAM, Manifest
from tools.controlplane.plane import ControlPlane

_MERGE, _STRATEGIC = (f"application/{kind}+json" for kind in ("merge-patch", "strategic-merge-patch"))


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody works: every request is one that has to succeed."""

    plane: ControlPlane
    client: Client
    actor: Actor
    target: Target
    fresh: str
    """A name that nobody has; it begins with the team's."""

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Manifest:
        return self.client.must(Request(method, path, body, kind), self.actor)

    def kubectl(self, *arguments: str, manifest: Manifest | None = None) -> str:
        somebody = [f"--as={self.actor.user}", *(f"--as-group={group}" for group in self.actor.groups)]
        return self.plane.kubectl(
            *arguments, *somebody, stdin=None if manifest is None else json.dumps(manifest)
        )


@dataclass(frozen=True, slots=True)
class Work:
    """`target` is the kind of namespace that it is done in."""

    name: str
    actor: Actor
    do: Callable[[Desk], object]
    target: str = "bare"
    changes_namespace: bool = True
    """Whether it creates or changes a namespace: that alone is refused while we are down."""


def change(edit: Edit, door: int = 0) -> Callable[[Desk], object]:
    """By the door of that number, among those that take any change."""

    def do(desk: Desk) -> object:
        live = difference.plain(desk.target.namespace)
        request = doors.PATCHES[door].request(live, edited(live, edit), desk.target.path)
        assert request is not None
        return desk.client.must(request, desk.actor)

    return do


def create(labels: Manifest, notes: Manifest | None = None, **more: Any) -> Callable[[Desk], object]:
    def do(desk: Desk) -> object:
        return desk.send("POST", "/api/v1/namespaces", namespace(desk.fresh, labels, notes, **more))

    return do


def namespace(name: str, labels: Manifest, notes: Manifest | None = None, **more: Any) -> Manifest:
    metadata = {"name": name, "labels": labels, "annotations": notes or {}, **more}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def apply(manager: str, *stages: Manifest) -> Callable[[Desk], object]:
    """Server-side apply of a namespace with one set of labels after another."""

    def do(desk: Desk) -> None:
        for each in stages:
            path = f"/api/v1/namespaces/{desk.fresh}"
            desk.client.must(doors.applied(namespace(desk.fresh, each), path, manager), desk.actor)

    return do


def kubectl_apply(*flags: str) -> Callable[[Desk], object]:
    """Twice the same, then with a label more."""

    def do(desk: Desk) -> None:
        for more in ({}, {}, {"cost-centre": "42"}):
            manifest = namespace(desk.fresh, {TEAM: "payments", **more})
            desk.kubectl("apply", *flags, "-f", "-", manifest=manifest)

    return do


def kubectl(*arguments: str) -> Callable[[Desk], object]:
    """`{}` stands for the namespace, `{fresh}` for a name nobody has."""

    def do(desk: Desk) -> object:
        return desk.kubectl(*(each.format(desk.target.name, fresh=desk.fresh) for each in arguments))

    return do


def delete(desk: Desk) -> None:
    desk.send("DELETE", desk.target.path)


def unprotect_and_delete(desk: Desk) -> None:
    patch = {"metadata": {"annotations": {words.PROTECTION: "false"}}}
    desk.send("PATCH", desk.target.path, patch, _MERGE)
    desk.send("DELETE", desk.target.path)


def life_of(kind: str, labels: Manifest | None = None) -> Callable[[Desk], object]:
    """An object of one's own is made, applied, changed and deleted."""

    def do(desk: Desk) -> None:
        collection = COLLECTIONS[kind].format(desk.target.name)
        metadata = {"name": f"{desk.fresh}-own", "labels": labels or {}}
        manifest = {**objectcreations.BODIES[kind], "kind": kind, "metadata": metadata}
        path = f"{collection}/{metadata['name']}"
        desk.send("POST", collection, manifest)
        desk.client.must(doors.applied(manifest, path, "tenant"), desk.actor)
        desk.send("PATCH", path, {"metadata": {"labels": {"cost-centre": "42"}}}, _STRATEGIC)
        desk.send("DELETE", path)

    return do


def post(collection: str, body: Manifest) -> Callable[[Desk], object]:
    """Something that is no business of ours at all."""

    def do(desk: Desk) -> object:
        made = {**body, "metadata": {"name": f"{desk.fresh}-any"}}
        return desk.send("POST", collection.format(desk.target.name), made)

    return do


def own_bundle(desk: Desk) -> None:
    """Every object of ours is applied, replaced, deleted and made again."""
    for live in desk.target.objects.values():
        manifest = difference.plain(live)
        manifest["metadata"].pop("uid", None)
        path = path_of(live)
        desk.client.must(doors.applied(manifest, path, MANAGER), desk.actor)
        desk.send("PUT", path, manifest)
        desk.send("DELETE", path)
        desk.send("POST", path.rpartition("/")[0], manifest)


def own_finalizer(desk: Desk) -> None:
    for finalizers in ([HOLD], []):
        desk.send("PATCH", desk.target.path, {"metadata": {"finalizers": finalizers}}, _MERGE)


def condition(desk: Desk) -> None:
    condition = {"type": "Seen", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"}
    patch = {"status": {"conditions": [condition]}}
    desk.send("PATCH", f"{desk.target.path}/status", patch, _STRATEGIC)


def generated(desk: Desk) -> None:
    manifest = {"metadata": {"generateName": "payments-", "labels": {TEAM: "payments"}}}
    desk.send("POST", "/api/v1/namespaces", manifest)


def dry(desk: Desk) -> None:
    body = namespace(desk.fresh, {TEAM: "payments"})
    for request in (Request("POST", "/api/v1/namespaces", body), Request("DELETE", desk.target.path)):
        reply = desk.client.send(request, desk.actor, dry_run=True)
        assert not reply.refused, reply.text


def purge(desk: Desk) -> None:
    collection = COLLECTIONS["ConfigMap"].format(desk.target.name)
    for number in range(3):
        metadata = {"name": f"{desk.fresh}-{number}", "labels": {"purge": "me"}}
        desk.send("POST", collection, {"metadata": metadata})
    desk.client.must(Request("DELETE", collection, query={"labelSelector": "purge=me"}), desk.actor)
