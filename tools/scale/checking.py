"""Whether every managed namespace is exactly as the catalogue says, read page by page."""

from collections import defaultdict
from collections.abc import AsyncIterator

from tools.chaos import exact
from webhook.adapters.kube import resources
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.transport import Transport
from webhook.core import labels
from webhook.core.model import Manifest, ObjectKey, key_of

_OURS = {"labelSelector": f"{labels.MANAGED_BY}={labels.MANAGER}"}


async def wrong(transport: Transport) -> list[str]:
    """What is not, in words."""
    observed: dict[str, dict[ObjectKey, Manifest]] = defaultdict(dict)
    for resource in resources.BUNDLE.values():
        async for item in _items(transport, resource):
            observed[item["metadata"]["namespace"]][key_of(item)] = item
    return [
        f"{space['metadata']['name']}: {each}"
        async for space in _items(transport, resources.NAMESPACES)
        for each in exact.differences(space, observed[space["metadata"]["name"]])
    ]


async def _items(transport: Transport, resource: Resource) -> AsyncIterator[Manifest]:
    """Without managedFields, which are half of their memory."""
    async for page in transport.pages(resource.collection, _OURS):
        for item in page["items"]:
            item["metadata"].pop("managedFields", None)
            yield {"apiVersion": resource.api_version, "kind": resource.kind, **item}
