"""As much of an API server as the controller needs, on the fault server: it stores, merges and tells.

Events can be held back, so that a test decides whether an answer or the watch arrives first.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, Stream
from webhook.adapters.kube import resources
from webhook.core import labels
from webhook.core.model import Manifest

_KINDS = {resource.kind: resource for resource in (resources.NAMESPACES, *resources.BUNDLE.values())}


class TinyApi:
    """One namespace is known by the paths its bundle has; `meanwhile` runs once, just before a write."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.objects: dict[str, Manifest] = {}
        self.writes: list[str] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.holds = False
        self._held: list[tuple[str, bytes]] = []
        self._streams: dict[str, list[Stream]] = {kind: [] for kind in _KINDS}
        self._versions = itertools.count(10)
        for kind, resource in _KINDS.items():
            server.script("GET", resource.collection, self._list(kind))
            server.script("WATCH", resource.collection, self._watch(kind))
            server.script("WATCHLIST", resource.collection, self._watch_all(kind))

    def serve(self, namespace: str, bundle: Mapping[str, list[str]]) -> None:
        """Take writes to these objects (names by kind) and to the status of the namespace."""
        base = resources.NAMESPACES.path("", namespace)
        self.server.script("PATCH", f"{base}/status", self._write(base, merge=True))
        for kind, names in bundle.items():
            collection = resources.BUNDLE[kind].path(namespace, "").rstrip("/")
            self.server.script("POST", collection, self._create(collection))
            for name in names:
                path = resources.BUNDLE[kind].path(namespace, name)
                self.server.script("PATCH", path, self._write(path, merge=True))
                self.server.script("PUT", path, self._write(path, merge=False))
                self.server.script("GET", path, self._get(path))
                self.server.script("DELETE", path, self._delete(path))

    def put(self, path: str, content: Manifest) -> Manifest:
        """Store a new version of an object and tell the watches of it."""
        kind = "MODIFIED" if path in self.objects else "ADDED"
        version = str(next(self._versions))
        metadata = {"uid": f"uid-{version}", **content["metadata"], "resourceVersion": version}
        self.objects[path] = {**content, "metadata": metadata}
        self._tell(kind, self.objects[path])
        return self.objects[path]

    def remove(self, path: str) -> None:
        """Delete an object and tell the watches of it."""
        gone = self.objects.pop(path)
        metadata = {**gone["metadata"], "resourceVersion": str(next(self._versions))}
        self._tell("DELETED", {**gone, "metadata": metadata})

    def release(self) -> None:
        """Let go of the events that were held back, in order, and hold no more."""
        self.holds = False
        for kind, line in self._held:
            for stream in self._streams[kind]:
                stream.send(line)
        self._held.clear()

    def _tell(self, type_: str, content: Manifest) -> None:
        if not _selected(content):
            type_ = "DELETED"  # out of the selector
        line = faults.event(type_, content)
        if self.holds:
            self._held.append((content["kind"], line))
            return
        for stream in self._streams[content["kind"]]:
            stream.send(line)

    def _list(self, kind: str) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            items = [it for it in self.objects.values() if it["kind"] == kind and _selected(it)]
            return await faults.page(*items, version=next(self._versions))(request)

        return answer

    def _watch(self, kind: str) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            live = Stream()
            self._streams[kind].append(live)
            for content in self.objects.values():  # what came between the list and this watch
                later = _version(content) > int(request.query["resourceVersion"])
                if content["kind"] == kind and _selected(content) and later:
                    live.send(faults.event("ADDED", content))
            return await live(request)

        return answer

    def _watch_all(self, kind: str) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            live = Stream()
            self._streams[kind].append(live)
            for content in self.objects.values():
                if content["kind"] == kind and _selected(content):
                    live.send(faults.event("ADDED", content))
            live.send(faults.initial_end(next(self._versions)))
            return await live(request)

        return answer

    def _get(self, path: str) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            if path not in self.objects:
                return await faults.failure(404, "NotFound", "not found")(request)
            return await faults.ok(self.objects[path])(request)

        return answer

    def _delete(self, path: str) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.writes.append(f"DELETE {path}")
            known, wanted = self.objects.get(path), (await request.json())["preconditions"]["uid"]
            if known is None:
                return await faults.failure(404, "NotFound", "not found")(request)
            if known["metadata"]["uid"] != wanted:
                return await faults.failure(409, "Conflict", "another uid")(request)
            self.remove(path)
            return await faults.ok(faults.status(200, "", ""))(request)

        return answer

    def _create(self, collection: str) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            path = f"{collection}/{(await request.json())['metadata']['name']}"
            if path in self.objects:
                return await faults.failure(409, "AlreadyExists", "exists")(request)
            return await self._write(path, merge=False)(request)

        return answer

    def _write(self, path: str, *, merge: bool) -> faults.Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            whole = path if request.method == "POST" else request.path
            self.writes.append(f"{request.method} {whole}")
            if path in self.meanwhile:
                self.meanwhile.pop(path)()
            body = await request.json()
            known = self.objects.get(path)
            if not merge and known is not None:
                if body["metadata"]["resourceVersion"] != known["metadata"]["resourceVersion"]:
                    return await faults.failure(409, "Conflict", "modified")(request)
                body["metadata"]["uid"] = known["metadata"]["uid"]
            content = merged(known, body) if merge and known is not None else body
            content = _managed(content, known, request.query["fieldManager"])
            if content != known:
                known = self.put(path, content)
            return await faults.ok(known)(request)

        return answer


def merged(current: Manifest, wanted: Manifest) -> Manifest:
    both: dict[str, Any] = {
        key: merged(current[key], wanted[key])
        for key in current.keys() & wanted.keys()
        if isinstance(current[key], dict) and isinstance(wanted[key], dict)
    }
    return {**current, **wanted, **both}


def _managed(content: Manifest, known: Manifest | None, manager: str) -> Manifest:
    """The object with its writer among those who manage fields of it."""
    others = (known or {"metadata": {}})["metadata"].get("managedFields") or []
    entry = {"manager": manager, "operation": "Apply"}
    fields = others if entry in others else [*others, entry]
    return {**content, "metadata": {**content["metadata"], "managedFields": fields}}


def _selected(content: Manifest) -> bool:
    """Whether it carries our label, which is all that the controller asks for."""
    return (content["metadata"].get("labels") or {}).get(labels.MANAGED_BY) == labels.MANAGER


def _version(content: Manifest) -> int:
    return int(content["metadata"]["resourceVersion"])
