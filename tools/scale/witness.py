"""Sees damaged objects being put right, as anybody could: by a watch on each kind."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple

from tools.scale.damage import Place, essence
from webhook.adapters.kube import resources
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.transport import Transport
from webhook.core.model import Manifest, ObjectKey


class Sighting(NamedTuple):
    """An object seen as it has to be. `at` is in seconds of perf_counter."""

    uid: str
    version: int
    at: float


class Patient:
    """One object under observation; `manifest` is how it has to be again."""

    def __init__(self, manifest: Manifest) -> None:
        self.uid: str = manifest["metadata"]["uid"]
        self._right = essence(manifest)
        self._seen_right: list[Sighting] = []
        self._news = asyncio.Event()

    def saw(self, manifest: Manifest, at: float) -> None:
        if essence(manifest) == self._right:
            metadata = manifest["metadata"]
            self._seen_right.append(Sighting(metadata["uid"], int(metadata["resourceVersion"]), at))
            self._news.set()

    async def right_after(self, version: int | None) -> float:
        """When it was first right after `version`, or, where that is None, as another object."""
        while True:
            for seen in self._seen_right:
                if seen.uid != self.uid or (version is not None and seen.version > version):
                    return seen.at
            self._news.clear()
            await self._news.wait()


class Witness:
    def __init__(self) -> None:
        self._patients: dict[Place, Patient] = {}

    def observe(self, place: Place, manifest: Manifest) -> Patient:
        """Begin to follow an object, which is right now."""
        patient = self._patients[place] = Patient(manifest)
        return patient

    def take(self, kind: str, manifest: Manifest) -> None:
        """An event about an object of `kind` (ADDED or MODIFIED)."""
        at = time.perf_counter()
        metadata = manifest["metadata"]
        patient = self._patients.get(Place(metadata["namespace"], ObjectKey(kind, metadata["name"])))
        if patient is not None:
            patient.saw(manifest, at)


@asynccontextmanager
async def watching(transport: Transport) -> AsyncIterator[Witness]:
    """Watch all kinds of a bundle from now on. The block fails when a watch does."""
    witness = Witness()
    async with asyncio.TaskGroup() as group:
        watchers = [
            group.create_task(_watch(transport, resource, await _version(transport, resource), witness))
            for resource in resources.BUNDLE.values()
        ]
        yield witness
        for watcher in watchers:
            watcher.cancel()


async def _version(transport: Transport, resource: Resource) -> str:
    version: str = (await transport.get(f"{resource.collection}?limit=1"))["metadata"]["resourceVersion"]
    return version


async def _watch(transport: Transport, resource: Resource, version: str, witness: Witness) -> None:
    """The API server ends a watch every half hour or so; bookmarks keep the version from growing old."""
    while True:
        query = {"resourceVersion": version, "allowWatchBookmarks": "true"}
        async with aclosing(transport.watch(resource.collection, query)) as events:
            async for event in events:
                kind, content = event["type"], event["object"]
                if kind == "ERROR":
                    raise RuntimeError(f"the watch on {resource.plural} has failed: {content}")
                version = content["metadata"]["resourceVersion"]
                if kind in ("ADDED", "MODIFIED"):
                    witness.take(resource.kind, content)
