"""Keeps a Store equal to what the API server has of one kind: list once, then watch.

The states are those of client-go's reflector: list (paged), watch from the list's version, watch
again from the last version seen when the stream ends, list again when that version is too old.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import aclosing

from webhook import telemetry
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key, Store, key_of, version_of
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

HEALTHY_SECONDS = 60.0
"""A stream that lasted this long was a good one: its end is not counted with earlier failures."""


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
        self._unconfirmed: set[Key] = set()

    async def run(self) -> None:
        """Reflect until cancelled; nothing that the API server says or fails to say ends it."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            error = await self._once()
            healthy = loop.time() - began >= HEALTHY_SECONDS
            failures = 0 if error is None else 1 if healthy else failures + 1
            pause = self._pause(error, failures)
            if error is not None:
                self._say(error, failures, pause)
            reason = "ended" if error is None else "expired" if isinstance(error, ExpiredError) else "error"
            self._metrics.watch_restarts.labels(self._resource.kind, reason).inc()
            await asyncio.sleep(pause)

    def wrote(self, manifest: Manifest) -> None:
        """Take note of an answer to our own write, unless the stream is past it: it knows better then.

        That is no news by itself, but may hide some: what somebody wrote just before us is in the
        answer, too. So it stays unconfirmed until the stream has told of it.
        """
        if version_of(manifest) > int(self._version or 0) and self.store.put(manifest):
            self._unconfirmed.add(key_of(manifest))

    async def _once(self) -> Exception | None:
        """List if need be, then watch until the stream ends; what went wrong, if anything."""
        try:
            if not self._version:
                await self._list()
            await self._watch()
        except ClusterError as error:
            if isinstance(error, ExpiredError):
                self._version = ""
            return error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self._version = ""  # an answer of another shape than the API's; what came of it is unknown
            return error
        return None

    def _say(self, error: Exception, failures: int, pause: float) -> None:
        self._log.error(
            "watch failed, trying again",
            kind=self._resource.kind,
            failures=failures,
            seconds=round(pause, 1),
            detail=str(error) if isinstance(error, ClusterError) else f"not an answer of the API: {error!r}",
        )

    def _pause(self, error: Exception | None, failures: int) -> float:
        if failures == 0 or (failures == 1 and isinstance(error, ExpiredError)):
            return RECONNECT_SECONDS
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
            known = self.store.get(key)
            if key not in seen and known is not None and version_of(known) <= int(version):
                self._remove(key)
        for key in self._unconfirmed:
            self._on_change(key)  # a list tells of no changes in between
        self._unconfirmed.clear()
        self._version = version
        self.synced.set()

    async def _watch(self) -> None:
        query = {
            **self._query,
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),  # noqa: S311 (spread, not secrecy)
        }
        async with aclosing(self._transport.watch(self._resource.collection, query)) as events:
            async for event in events:
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
        key = key_of(manifest)
        if self.store.put(manifest):
            self._unconfirmed.discard(key)
            self._on_change(key)
        elif key in self._unconfirmed:
            self._confirm(key, version_of(manifest))

    def _confirm(self, key: Key, version: int) -> None:
        """An event before the one of our own write is a change that our answer has hidden."""
        known = self.store.get(key)
        if known is not None and version < version_of(known):
            self._on_change(key)
        else:
            self._unconfirmed.discard(key)

    def _remove(self, key: Key, uid: str | None = None) -> None:
        if self.store.remove(key, uid=uid):
            self._on_change(key)
