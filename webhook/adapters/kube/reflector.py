"""Keeps a Store equal to what the API server has of one kind: all of it once, then what changes.

The states are those of client-go's reflector: the initial events of a watch, or a list in pages where
the server cannot do that; then a watch from there, and another from the last version seen when the
stream ends; everything anew when that version is too old, or is none of this server's history.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import NamedTuple

import msgspec

from webhook import telemetry
from webhook.adapters.kube import errors, watchlist
from webhook.adapters.kube.listing import Lister, Snapshot
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key, Store, key_of, version_of
from webhook.adapters.kube.transport import WATCH_SILENCE_SECONDS, Query, Transport
from webhook.core import backoff
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ExpiredError,
    TooLargeVersionError,
)
from webhook.core.model import Manifest

WATCH_SECONDS = (300, 600)
"""The server ends a watch after a time between these; the spread keeps many from ending at once."""

RECONNECT_SECONDS = 0.2
"""Least pause before a new watch, so that a server that closes at once is not stormed."""

ERROR_BASE_SECONDS = 0.8
ERROR_LIMIT_SECONDS = 30.0

HEALTHY_SECONDS = 60.0
"""A stream that lasted this long was a good one: its end is not counted with earlier failures."""

PAGED_SECONDS = 600.0
"""For so long a server that did not send initial events is not asked for them again."""

_ODD = (LookupError, TypeError, ValueError, AttributeError)
"""What comes of an answer of another shape than the API's."""


class Delta(NamedTuple):
    """That an object has changed, and what was known of it before.

    `low`: nobody waits for it, it is only seen for the first time. What is there now, the store knows.
    """

    key: Key
    before: Manifest | None
    low: bool


class Reflector:
    """Call `run` in a task; `synced` is set once the store holds everything for the first time."""

    def __init__(
        self,
        transport: Transport,
        resource: Resource,
        *,
        selector: str,
        on_change: Callable[[Delta], None],
        metrics: telemetry.Metrics,
        log: telemetry.Log,
        index: str = "",
    ) -> None:
        self.store = Store(resource, index=index)
        self.synced = asyncio.Event()
        self._transport = transport
        self._resource = resource
        self._query = {"labelSelector": selector}
        self._lister = Lister(transport, resource.collection, self._query, self.store.kept)
        self._on_change = on_change
        self._metrics = metrics
        self._log = log
        self._version = 0
        self._anew = "first"
        self._paged_until = 0.0
        self._unconfirmed: set[Key] = set()
        self._last_event = 0.0
        metrics.store_objects.labels(resource.kind).set_function(lambda: len(self.store))

    async def run(self) -> None:
        """Reflect until cancelled; nothing that the API server says or fails to say ends it."""
        failures = 0
        loop = asyncio.get_running_loop()
        self._last_event = loop.time()
        silence = self._metrics.watch_silence.labels(self._resource.kind)
        silence.set_function(lambda: loop.time() - self._last_event)
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
        if version_of(manifest) > self._version and self.store.put(manifest):
            self._unconfirmed.add(key_of(manifest))

    async def _once(self) -> Exception | None:
        """Have everything if need be, then follow what changes until the stream ends; what went wrong."""
        try:
            async with AsyncExitStack() as stack:
                await self._follow(await self._begin(stack))
        except ClusterError as error:
            if isinstance(error, ExpiredError | TooLargeVersionError):
                self._anew = "expired" if isinstance(error, ExpiredError) else "too-large"
            return error
        except _ODD as error:
            self._anew = "odd"  # what came of it is unknown
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

    async def _begin(self, stack: AsyncExitStack) -> AsyncGenerator[Manifest]:
        """The events that come after what is in the store by then; `stack` closes their connection."""
        if not self._anew and await self._is_rewound():
            self._anew = "rewound"
        if self._anew:
            events = await self._initial(stack)
            if events is not None:
                return events
        query = {"resourceVersion": str(self._version), "allowWatchBookmarks": "true"}
        return await stack.enter_async_context(aclosing(self._watch(query)))

    async def _is_rewound(self) -> bool:
        """Whether the server counts from lower versions than it did: it was restored from a backup.

        It would keep silent on a watch from our version until it has come past it.
        """
        return await self._lister.version() < self._version

    async def _initial(self, stack: AsyncExitStack) -> AsyncGenerator[Manifest] | None:
        """Make the store equal to the server; the watch that goes on from there, if one does already.

        Whoever asks us to wait (429) is not asked in another way.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._paged_until:
            self._replace(await self._lister.everything())
            return None
        events = await stack.enter_async_context(aclosing(self._watch(watchlist.QUERY)))
        try:
            self._replace(await watchlist.initial(events, self.store.kept))
            return events
        except (ClusterError, *_ODD) as error:
            if isinstance(error, ClusterError) and error.code == 429:
                raise
            reason = str(error)
        await events.aclose()
        self._replace(await self._lister.everything())
        self._paged_until = loop.time() + PAGED_SECONDS
        self._log.info("no initial events, listed instead", kind=self._resource.kind, detail=reason)
        return None

    def _watch(self, query: Query) -> AsyncGenerator[Manifest]:
        seconds = str(random.randint(*WATCH_SECONDS))  # noqa: S311 (spread, not secrecy)
        return self._transport.watch(
            self._resource.collection, {**self._query, **query, "timeoutSeconds": seconds}
        )

    def _replace(self, found: Snapshot) -> None:
        """Make the store equal to `found`, but for answers to our own writes that are newer.

        A version below one that we have seen is of another history: nothing of ours counts then.
        """
        if found.version >= self._version:
            for key in self._unconfirmed:
                known = self.store.get(key)
                if known is not None and version_of(known) > found.version:
                    found.objects[key] = known
        changed = self.store.replace(found.objects)
        hidden = self._unconfirmed - changed.keys()  # a list tells of no changes in between
        self._unconfirmed = set()
        self._version = found.version
        if self._anew != "first":
            self._metrics.relists.labels(self._resource.kind, self._anew).inc()
        self._anew = ""
        self._last_event = asyncio.get_running_loop().time()
        low = not self.synced.is_set()
        self.synced.set()
        for key, before in changed.items():
            self._tell(key, before, low=low)
        for key in hidden:
            self._on_change(Delta(key, self.store.get(key), low))

    async def _follow(self, events: AsyncGenerator[Manifest]) -> None:
        """Take events until the server ends the stream; one without a whole event is dead."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WATCH_SILENCE_SECONDS) as patience:
                async for event in events:
                    self._take(event["type"], event["object"])
                    self._last_event = loop.time()
                    patience.reschedule(self._last_event + WATCH_SILENCE_SECONDS)
        except TimeoutError as error:
            raise ClusterUnavailableError("the watch has been silent for too long") from error

    def _take(self, kind: str, content: Manifest) -> None:
        if kind == "ERROR":
            raise errors.from_answer(content.get("code", 0), msgspec.json.encode(content))
        if kind in ("ADDED", "MODIFIED"):
            self._put(content)
        elif kind == "DELETED":
            self._remove(key_of(content), uid=content["metadata"]["uid"])
        self._version = max(self._version, version_of(content))

    def _put(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        before = self.store.get(key)
        if self.store.put(manifest):
            self._unconfirmed.discard(key)
            self._tell(key, before)
        elif key in self._unconfirmed:
            self._confirm(key, version_of(manifest))

    def _confirm(self, key: Key, version: int) -> None:
        """An event before the one of our own write is a change that our answer has hidden."""
        known = self.store.get(key)
        if known is not None and version < version_of(known):
            self._on_change(Delta(key, known, low=False))
        else:
            self._unconfirmed.discard(key)

    def _remove(self, key: Key, uid: str) -> None:
        before = self.store.get(key)
        if self.store.remove(key, uid=uid):
            self._tell(key, before)

    def _tell(self, key: Key, before: Manifest | None, *, low: bool = False) -> None:
        after = self.store.get(key)
        if before is None or after is None or self._resource.status_is_news or _differ(before, after):
            self._on_change(Delta(key, before, low))


def _differ(before: Manifest, after: Manifest) -> bool:
    """Whether two versions of an object differ in more than what the server counts and reports."""
    return _content(before) != _content(after)


def _content(manifest: Manifest) -> Manifest:
    metadata = {**manifest["metadata"], "resourceVersion": ""}
    return {**manifest, "metadata": metadata, "status": None}
