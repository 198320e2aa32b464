"""The first part of a watch with `sendInitialEvents`: everything there is, as events.

It costs the API server far less than a list, and us less memory. A server that is too old for it
refuses the parameters or ignores them, so whatever is odd here is a reason to list instead.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

from webhook.adapters.kube.listing import Snapshot
from webhook.adapters.kube.store import Key, key_of
from webhook.core.errors import ClusterUnavailableError
from webhook.core.model import Manifest

QUERY = {
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}
"""Without a version this asks for the newest state, never for an older one out of a cache."""

SILENCE_SECONDS = 10.0
"""A server that ignores the parameters sends what there is, and then nothing that ends it."""

TOTAL_SECONDS = 60.0
"""The longest that the initial events may take, however lively."""

_END = "k8s.io/initial-events-end"


async def initial(events: AsyncGenerator[Manifest], kept: Callable[[Manifest], Manifest]) -> Snapshot:
    """Read `events` up to the end of the initial ones. Raises ClusterError when that does not come."""
    objects: dict[Key, Manifest] = {}
    loop = asyncio.get_running_loop()
    end = loop.time() + TOTAL_SECONDS
    try:
        async with asyncio.timeout(SILENCE_SECONDS) as patience:
            async for event in events:
                kind, content = event["type"], event["object"]
                if kind == "BOOKMARK":
                    return Snapshot(objects, _version_at_the_end(content))
                _take(objects, kind, content, kept)
                patience.reschedule(min(end, loop.time() + SILENCE_SECONDS))
    except TimeoutError as error:
        raise ClusterUnavailableError("the initial events of a watch did not end") from error
    raise ClusterUnavailableError("a watch ended within its initial events")


def _take(
    objects: dict[Key, Manifest], kind: str, content: Manifest, kept: Callable[[Manifest], Manifest]
) -> None:
    if kind in ("ADDED", "MODIFIED"):
        objects[key_of(content)] = kept(content)
    elif kind == "DELETED":
        objects.pop(key_of(content), None)
    else:
        raise ClusterUnavailableError(f"the initial events of a watch hold {kind}: {content.get('message')}")


def _version_at_the_end(bookmark: Manifest) -> int:
    metadata = bookmark["metadata"]
    if (metadata.get("annotations") or {}).get(_END) != "true":
        raise ClusterUnavailableError("the API server has ignored sendInitialEvents")
    return int(metadata["resourceVersion"])
