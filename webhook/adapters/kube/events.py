"""Kubernetes Events about namespaces, in the namespace itself: `kubectl get events -n payments`.

Events are news, no state: what cannot be written, or is too much, is dropped and counted. What was
said of the same namespace a short while ago is not said again.
"""

import asyncio
import time
from collections.abc import Callable

from webhook import ports, telemetry
from webhook.adapters.kube.transport import Transport
from webhook.core import labels
from webhook.core.errors import ClusterError
from webhook.core.model import Manifest

WAITING_LIMIT = 1000
"""Events that wait to be written; more are dropped."""

PER_SECOND = 10
"""Events are written no faster than this, whatever happens in the cluster."""

REPEAT_SECONDS = 300.0
"""The same words about the same namespace are not repeated before."""

MESSAGE_LIMIT = 1024
"""Characters of a message: the API's own limit."""

_Key = tuple[str, str, str]


class EventRecorder:
    """Implements ports.EventRecorder. Call `run` in a task: it writes what was recorded."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: ports.Clock,
        instance: str,
        metrics: telemetry.Metrics,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._instance = instance
        self._metrics = metrics
        self._monotonic = monotonic
        self._waiting: asyncio.Queue[Manifest | None] = asyncio.Queue(WAITING_LIMIT)
        self._said: dict[_Key, float] = {}

    def record(self, namespace: Manifest, *, warning: bool, reason: str, message: str) -> None:
        metadata = namespace["metadata"]
        if not self._is_news((metadata["uid"], reason, message)):
            return
        try:
            self._waiting.put_nowait(self._event(metadata, warning, reason, message))
        except asyncio.QueueFull:
            self._metrics.events.labels("dropped").inc()

    async def run(self) -> None:
        """Write until `stop`; can be run again after a cancellation."""
        while (event := await self._waiting.get()) is not None:
            await self._write(event)

    def stop(self) -> None:
        """What waits is dropped: whoever stops has more important things to finish."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def _write(self, event: Manifest) -> None:
        path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self._transport.create(path, event)
            self._metrics.events.labels("written").inc()
        except ClusterError:  # the namespace may be gone, or the API server busy: nobody needs this more
            self._metrics.events.labels("dropped").inc()
        await asyncio.sleep(1 / PER_SECOND)

    def _is_news(self, key: _Key) -> bool:
        now = self._monotonic()
        if len(self._said) >= WAITING_LIMIT:
            self._said = {each: when for each, when in self._said.items() if now - when < REPEAT_SECONDS}
        if now - self._said.get(key, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        if len(self._said) < WAITING_LIMIT:
            self._said[key] = now
        return True

    def _event(self, namespace: Manifest, warning: bool, reason: str, message: str) -> Manifest:
        name, now = namespace["name"], self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        involved = {"apiVersion": "v1", "kind": "Namespace", "name": name, "uid": namespace["uid"]}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{name[:40]}-", "namespace": name},
            # An Event lives in the namespace of what it is about; a Namespace counts as within itself.
            "involvedObject": {**involved, "namespace": name},
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message[:MESSAGE_LIMIT],
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": labels.MANAGER},
            "reportingComponent": labels.MANAGER,
            "reportingInstance": self._instance,
        }
