"""All managed namespaces with what they use, for a command that looks once and does not watch."""

from webhook.adapters.kube import resources
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace as namespaces
from webhook.core import labels
from webhook.core.impact import Inhabitant
from webhook.core.model import Manifest

_OURS = {"labelSelector": f"{labels.MANAGED_BY}={labels.MANAGER}"}


async def load(transport: Transport) -> list[Inhabitant]:
    """Raises ClusterError."""
    quotas = {
        quota["metadata"]["namespace"]: quota
        for quota in await _all(transport, resources.BUNDLE["ResourceQuota"])
        if quota["metadata"]["name"] == "default"
    }
    return [
        _inhabitant(manifest, quotas.get(manifest["metadata"]["name"], {}))
        for manifest in await _all(transport, resources.NAMESPACES)
    ]


async def _all(transport: Transport, resource: Resource) -> list[Manifest]:
    return [item async for page in transport.pages(resource.collection, _OURS) for item in page["items"]]


def _inhabitant(manifest: Manifest, quota: Manifest) -> Inhabitant:
    return Inhabitant(
        name=manifest["metadata"]["name"],
        state=namespaces.state(manifest),
        revision=quota.get("metadata", {}).get("labels", {}).get(labels.TIER_REVISION, ""),
        used=quota.get("status", {}).get("used", {}),
    )
