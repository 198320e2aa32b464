"""Namespaces for the API role, straight from the API server: any replica can answer any request."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace as namespaces
from webhook.core.errors import ClusterUnavailableError, ExpiredError
from webhook.core.model import Condition, ConditionStatus, Manifest

LOOK_AGAIN_SECONDS = 0.2
"""Pause before another look when a watch has ended or broken."""


class NamespaceGateway:
    """Implements ports.NamespaceGateway."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._transport.create(resources.NAMESPACES.collection, manifest)

    async def get(self, name: str) -> Manifest:
        return await self._transport.get(resources.NAMESPACES.path("", name))

    async def wait_provisioned(self, name: str, *, seconds: float) -> Condition | None:
        last: Condition | None = None
        try:
            async with asyncio.timeout(seconds), aclosing(self._conditions(name)) as conditions:
                async for last in conditions:
                    if last is not None and last.status is ConditionStatus.TRUE:
                        break
        except TimeoutError:
            pass  # the caller gets what the condition says by now
        return last

    async def _conditions(self, name: str) -> AsyncGenerator[Condition | None]:
        """The condition now and after each change. Looks, then watches from there: nothing is missed."""
        manifest = await self.get(name)
        while True:
            yield namespaces.provisioned(manifest)
            query = {
                "fieldSelector": f"metadata.name={name}",
                "resourceVersion": manifest["metadata"]["resourceVersion"],
            }
            with suppress(ClusterUnavailableError, ExpiredError):
                async with aclosing(self._transport.watch(resources.NAMESPACES.collection, query)) as events:
                    async for event in events:
                        if event["type"] not in ("ADDED", "MODIFIED"):
                            break
                        yield namespaces.provisioned(event["object"])
            manifest = await self._look_again(name)

    async def _look_again(self, name: str) -> Manifest:
        """The namespace, as soon as the API server can say: it exists, so trouble will pass."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            with suppress(ClusterUnavailableError):
                return await self.get(name)
