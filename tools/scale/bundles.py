"""What of ours a namespace has, asked of the API server."""

from tools.scale.client import Client
from webhook.adapters.kube import resources
from webhook.core import labels
from webhook.core.model import Manifest

_OURS = f"labelSelector={labels.MANAGED_BY}={labels.MANAGER}"


async def of(client: Client, namespace: str) -> list[Manifest]:
    """The objects of its bundle, whole."""
    found = []
    for kind, resource in resources.BUNDLE.items():
        page = await client.get(f"{resource.path(namespace, '').rstrip('/')}?{_OURS}")
        found += [{"apiVersion": resource.api_version, "kind": kind, **item} for item in page["items"]]
    return found
