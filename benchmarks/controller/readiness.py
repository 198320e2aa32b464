"""When namespaces become ready, as anybody can see it: by one watch on namespaces."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager

from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace
from webhook.core.model import ConditionStatus, Manifest


class Readiness:
    """`at` tells when each namespace was first seen Provisioned=True (perf_counter)."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._missing: set[str] = set()
        self._none_missing = asyncio.Event()

    async def of(self, names: Iterable[str]) -> float:
        """Wait until all of `names` are ready; when the last was seen."""
        wanted = set(names)
        self._missing = wanted - self.at.keys()
        if self._missing:
            self._none_missing.clear()
            await self._none_missing.wait()
        return max(self.at[name] for name in wanted)

    def take(self, manifest: Manifest) -> None:
        condition = namespace.provisioned(manifest)
        if condition is None or condition.status is not ConditionStatus.TRUE:
            return
        name = manifest["metadata"]["name"]
        self.at.setdefault(name, time.perf_counter())
        if name in self._missing:
            self._missing.remove(name)
            if not self._missing:
                self._none_missing.set()


@asynccontextmanager
async def watching(transport: Transport) -> AsyncIterator[Readiness]:
    """Watch from now on. The block fails when the watch does."""
    readiness = Readiness()
    collection = resources.NAMESPACES.collection
    now = (await transport.get(f"{collection}?limit=1"))["metadata"]["resourceVersion"]

    async def watch() -> None:
        async with aclosing(transport.watch(collection, {"resourceVersion": now})) as events:
            async for event in events:
                readiness.take(event["object"])
        raise RuntimeError("the watch on namespaces has ended")

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        yield readiness
        watcher.cancel()
