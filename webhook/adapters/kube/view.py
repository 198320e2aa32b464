"""The controller's view of the cluster: one reflector per kind, joined by namespace."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from webhook import telemetry
from webhook.adapters.kube import resources
from webhook.adapters.kube.mirror import Delta
from webhook.adapters.kube.reflector import Reflector
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key
from webhook.adapters.kube.transport import Transport
from webhook.core import labels
from webhook.core.model import Manifest, ObjectKey

_OURS = f"{labels.MANAGED_BY}={labels.MANAGER}"
"""Only what carries our label enters memory: managed namespaces and bundle objects."""

DEPARTED_LIMIT = 2000
"""Departed namespaces that are remembered; nobody takes them from a replica that does not lead."""


class OnChange(Protocol):
    """Gets the name of a namespace to look at. `low`: nothing happened, it is only to be looked at."""

    def __call__(self, name: str, /, *, low: bool) -> object: ...


class ClusterView:
    """Implements ports.ClusterReader and ports.ManagedNamespaces."""

    def __init__(
        self,
        transport: Transport,
        *,
        on_change: OnChange,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._on_change = on_change
        self._departed: dict[str, Manifest] = {}

        def reflect(resource: Resource, changed: Callable[[Delta], None], index: str = "") -> Reflector:
            return Reflector(
                transport,
                resource,
                selector=_OURS,
                on_change=changed,
                metrics=metrics,
                log=log,
                index=index,
            )

        self._namespaces = reflect(resources.NAMESPACES, self._namespace_changed, labels.TEAM)
        self._bundle = {
            kind: reflect(resource, self._object_changed) for kind, resource in resources.BUNDLE.items()
        }
        self._reflectors = (self._namespaces, *self._bundle.values())

    async def run(self) -> None:
        """Reflect until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Wait until everything of every kind has been seen once."""
        for reflector in self._reflectors:
            await reflector.synced.wait()

    def is_synced(self) -> bool:
        return all(reflector.synced.is_set() for reflector in self._reflectors)

    def resync(self) -> None:
        """Look at every managed namespace again: the catalogue has changed."""
        for key in self._namespaces.store:
            self._on_change(key.name, low=True)

    def namespace(self, name: str) -> Manifest | None:
        return self._namespaces.store.get(Key("", name))

    def namespaces(self) -> Iterable[Manifest]:
        """All managed namespaces."""
        return tuple(self._namespaces.store.in_namespace("").values())

    def team(self, name: str) -> Iterable[Manifest]:
        """The managed namespaces of a team."""
        return self._namespaces.store.labelled(name)

    def take_departed(self, name: str) -> Manifest | None:
        """The last known state of a namespace that left our selector or was deleted; forgotten once taken."""
        return self._departed.pop(name, None)

    def bundle_objects(self, namespace: str) -> Mapping[ObjectKey, Manifest]:
        return {
            ObjectKey(kind, name): manifest
            for kind, reflector in self._bundle.items()
            for name, manifest in reflector.store.in_namespace(namespace).items()
        }

    def wrote(self, manifest: Manifest) -> None:
        """Take note of an answer to our own write, so that the next pass does not plan on old news."""
        if (manifest["metadata"].get("labels") or {}).get(labels.MANAGED_BY) != labels.MANAGER:
            return  # it has left what we look at
        kind = manifest["kind"]
        reflector = self._namespaces if kind == resources.NAMESPACES.kind else self._bundle[kind]
        reflector.wrote(manifest)

    def _object_changed(self, delta: Delta) -> None:
        self._on_change(delta.key.namespace, low=delta.low)

    def _namespace_changed(self, delta: Delta) -> None:
        name, before = delta.key.name, delta.before
        after = self.namespace(name)
        if before is not None and (after is None or after["metadata"]["uid"] != before["metadata"]["uid"]):
            self._departed.pop(name, None)
            self._departed[name] = before
            if len(self._departed) > DEPARTED_LIMIT:
                del self._departed[next(iter(self._departed))]
        self._on_change(name, low=delta.low)
