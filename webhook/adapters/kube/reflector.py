"""Keeps a Store equal to what the API server has of one kind: list once, then watch.

The states are those of client-go's reflector: list (paged), watch from the list's version, watch
again from the last version seen when the stream ends, list again when that version is too old.
"""

import asyncio
import random
from collections.abc import Callable

from webhook import telemetry
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key, Store, key_of
from webhook.adapters.kube.transport import Transport
from webhook.core import backoff
from webhook.core.errors import ClusterError, ClusterUnavailableError, ExpiredError
from webhook.core.model import Manifest

WATCH_SECONDS = (300, 600)
"""The server ends a watch after a time between these; the spread keeps many from ending at once."""

RECONNECT_SECONDS = 0.2
"""Least pause before a new watch, so that a server that closes at once is not stormed."""

ERROR_BASE_SECONDS = 0.8
ERROR_LIMIT_SECONDS = 30.0


class Reflector:
    """Call `run` in a task; `synced` is set once the first list is in the store."""

    def __init__(
        self,
        transport: Transport,
        resource: Resource,
        *,
        selector: str,
        on_change: Callable[[Key], None],
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self.store = Store()
        self.synced = asyncio.Event()
        self._transport = transport
        self._resource = resource
        self._query = {"labelSelector": selector}
        self._on_change = on_change
        self._metrics = metrics
        self._log = log
        self._version = ""

    async def run(self) -> None:
        """Reflect until cancelled; no trouble of the API server ends it."""
        failures = 0
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                failures, pause, reason = 0, RECONNECT_SECONDS, "ended"
            except ExpiredError:
                self._version, pause, reason = "", RECONNECT_SECONDS, "expired"
            except ClusterError as error:
                failures, reason = failures + 1, "error"
                pause = self._pause(error, failures)
                self._log.error(
                    "watch failed, trying again",
                    kind=self._resource.kind,
                    failures=failures,
                    seconds=round(pause, 1),
                    detail=str(error),
                )
            self._metrics.watch_restarts.labels(self._resource.kind, reason).inc()
            await asyncio.sleep(pause)

    def _pause(self, error: ClusterError, failures: int) -> float:
        own = backoff.delay(failures, random.random(), base=ERROR_BASE_SECONDS, limit=ERROR_LIMIT_SECONDS)  # noqa: S311
        asked = error.retry_after if isinstance(error, ClusterUnavailableError) else None
        return max(own, asked or 0.0)

    async def _list(self) -> None:
        """Make the store equal to one consistent list; what is no longer there goes."""
        seen: set[Key] = set()
        version = ""
        async for page in self._transport.pages(self._resource.collection, self._query):
            version = page["metadata"]["resourceVersion"]
            for item in page["items"]:
                manifest = self._named(item)
                seen.add(key_of(manifest))
                self._put(manifest)
        for key in self.store:
            if key not in seen:
                self._remove(key)
        self._version = version
        self.synced.set()

    async def _watch(self) -> None:
        query = {
            **self._query,
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),  # noqa: S311 (spread, not secrecy)
        }
        async for event in self._transport.watch(self._resource.collection, query):
            self._take(event["type"], event["object"])

    def _take(self, kind: str, content: Manifest) -> None:
        if kind == "ERROR":
            code = content.get("code", 0)
            error = ExpiredError if code == 410 else ClusterUnavailableError
            raise error(str(content.get("message", "")), code=code, reason=str(content.get("reason", "")))
        if kind in ("ADDED", "MODIFIED"):
            self._put(self._named(content))
        elif kind == "DELETED":
            self._remove(key_of(content), uid=content["metadata"]["uid"])
        self._version = content["metadata"]["resourceVersion"]

    def _named(self, item: Manifest) -> Manifest:
        """The items of a list say neither kind nor version."""
        return {"apiVersion": self._resource.api_version, "kind": self._resource.kind, **item}

    def _put(self, manifest: Manifest) -> None:
        if self.store.put(manifest):
            self._on_change(key_of(manifest))

    def _remove(self, key: Key, uid: str | None = None) -> None:
        if self.store.remove(key, uid=uid):
            self._on_change(key)
