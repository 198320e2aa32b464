"""Ends namespaces: looks at each afresh, and deletes no other state of it than the one looked at."""

from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import NotFoundError
from webhook.core.model import Manifest


class NamespaceReaper:
    """Implements ports.Reaper."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def fetch(self, name: str) -> Manifest:
        return await self._transport.get(resources.NAMESPACES.path("", name))

    async def fetch_quota(self, name: str) -> Manifest | None:
        try:
            return await self._transport.get(resources.BUNDLE["ResourceQuota"].path(name, "default"))
        except NotFoundError:
            return None

    async def delete(self, namespace: Manifest) -> None:
        metadata = namespace["metadata"]
        await self._transport.delete(
            resources.NAMESPACES.path("", metadata["name"]),
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )
