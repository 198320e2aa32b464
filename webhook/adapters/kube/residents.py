"""All namespaces of a cluster, for a command that looks once and does not watch."""

from webhook.adapters.kube import resources
from webhook.adapters.kube.listing import Lister
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace as namespaces
from webhook.core.model import Manifest
from webhook.core.sweep import Resident


async def load(transport: Transport) -> list[Resident]:
    """One consistent list, read by pages of 500. Raises ClusterError."""
    lister = Lister(transport, resources.NAMESPACES.collection, {}, _whole)
    return [_resident(manifest) for manifest in (await lister.everything()).objects.values()]


def _whole(manifest: Manifest) -> Manifest:
    return manifest


def _resident(manifest: Manifest) -> Resident:
    return Resident(
        name=manifest["metadata"]["name"],
        state=namespaces.state(manifest),
        provisioned=namespaces.provisioned(manifest),
    )
