"""The controller's view of the cluster: one reflector per kind, joined by namespace."""

import asyncio
from collections.abc import Callable, Mapping

from webhook import telemetry
from webhook.adapters.kube import resources
from webhook.adapters.kube.reflector import Reflector
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key
from webhook.adapters.kube.transport import Transport
from webhook.core import labels
from webhook.core.model import Manifest, ObjectKey

_OURS = f"{labels.MANAGED_BY}={labels.MANAGER}"
"""Only what carries our label enters memory: managed namespaces and bundle objects."""


class ClusterView:
    """Implements ports.ClusterReader. `on_change` gets the name of the namespace to look at."""

    def __init__(
        self,
        transport: Transport,
        *,
        on_change: Callable[[str], None],
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._on_change = on_change

        def reflect(resource: Resource, namespace_of: Callable[[Key], str]) -> Reflector:
            return Reflector(
                transport,
                resource,
                selector=_OURS,
                on_change=lambda key: on_change(namespace_of(key)),
                metrics=metrics,
                log=log,
            )

        self._namespaces = reflect(resources.NAMESPACES, lambda key: key.name)
        self._bundle = {
            kind: reflect(resource, lambda key: key.namespace) for kind, resource in resources.BUNDLE.items()
        }
        self._reflectors = (self._namespaces, *self._bundle.values())

    async def run(self) -> None:
        """Reflect until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Wait until every kind has been listed once."""
        for reflector in self._reflectors:
            await reflector.synced.wait()

    def is_synced(self) -> bool:
        return all(reflector.synced.is_set() for reflector in self._reflectors)

    def resync(self) -> None:
        """Look at every managed namespace again: the catalogue has changed."""
        for key in self._namespaces.store:
            self._on_change(key.name)

    def namespace(self, name: str) -> Manifest | None:
        return self._namespaces.store.get(Key("", name))

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
