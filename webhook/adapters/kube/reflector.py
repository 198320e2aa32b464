"""Keeps a Store equal to what the API server has of one kind: all of it once, then what changes.

The states are those of client-go's reflector: the initial events of a watch, or a list in pages where
the server cannot do that; then a watch from there, and another from the last version seen when the
stream ends; everything anew when that version is too old, or is none of this server's history.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing

from webhook import telemetry
from webhook.adapters.kube import watchlist
from webhook.adapters.kube.listing import Lister, Snapshot
from webhook.adapters.kube.mirror import Delta, Mirror
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Store
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

AWAY_LIMIT_SECONDS = 5.0
"""The longest pause while nobody answers, or only that it is too early: who is back is noticed soon."""

_AWAY = frozenset({0, 401, 403, 503})
"""No answer at all, and the answers of an API server that is starting."""

HEALTHY_SECONDS = 60.0
"""A stream that lasted this long was a good one: its end is not counted with earlier failures."""

PAGED_SECONDS = 600.0
"""For so long a server that did not send initial events is not asked for them again."""

_RELISTED: dict[type[ClusterError], str] = {ExpiredError: "expired", TooLargeVersionError: "too-large"}
"""The errors after which the last version is of no use."""

_ODD = (LookupError, TypeError, ValueError, AttributeError)
"""What comes of an answer of another shape than the API's."""


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
        self.synced = asyncio.Event()
        self._transport = transport
        self._resource = resource
        self._query = {"labelSelector": selector}
        self._mirror = Mirror(resource, on_change, index=index)
        self._lister = Lister(transport, resource.collection, self._query, self.store.kept)
        self._metrics = metrics
        self._log = log
        self._anew = "first"
        self._paged_until = 0.0
        self._expired = False
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
            again = isinstance(error, ExpiredError) and self._expired
            self._expired = isinstance(error, ExpiredError)
            pause = self._pause(error, failures, again=again)
            if error is not None:
                self._say(error, failures, pause)
            reason = "ended" if error is None else "expired" if isinstance(error, ExpiredError) else "error"
            self._metrics.watch_restarts.labels(self._resource.kind, reason).inc()
            await asyncio.sleep(pause)

    @property
    def store(self) -> Store:
        return self._mirror.store

    def wrote(self, manifest: Manifest) -> None:
        """Take note of an answer to our own write."""
        self._mirror.wrote(manifest)

    async def _once(self) -> Exception | None:
        """Have everything if need be, then follow what changes until the stream ends; what went wrong."""
        try:
            async with AsyncExitStack() as stack:
                await self._follow(await self._begin(stack))
        except ClusterError as error:
            self._anew = self._anew or _RELISTED.get(type(error), "")
            return error
        except _ODD as error:
            self._anew = self._anew or "odd"  # what came of it is unknown
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

    def _pause(self, error: Exception | None, failures: int, *, again: bool) -> float:
        """An old version is common after an outage, and a list mends it; not so one after another."""
        if failures == 0 or (isinstance(error, ExpiredError) and not again):
            return RECONNECT_SECONDS
        is_away = isinstance(error, ClusterError) and error.code in _AWAY
        limit = AWAY_LIMIT_SECONDS if is_away else ERROR_LIMIT_SECONDS
        own = backoff.delay(failures, random.random(), base=ERROR_BASE_SECONDS, limit=limit)  # noqa: S311
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
        query = {"resourceVersion": str(self._mirror.version), "allowWatchBookmarks": "true"}
        return await stack.enter_async_context(aclosing(self._watch(query)))

    async def _is_rewound(self) -> bool:
        """Whether the server counts from lower versions than it did: it was restored from a backup.

        It would keep silent on a watch from our version until it has come past it.
        """
        return await self._lister.version() < self._mirror.version

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
            found = await watchlist.initial(events, self.store.kept)
        except (ClusterError, *_ODD) as error:
            if isinstance(error, ClusterError) and error.code == 429:
                raise
            reason = str(error)
        else:
            self._replace(found)
            return events
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
        if self._anew != "first":
            self._metrics.relists.labels(self._resource.kind, self._anew).inc()
        self._anew = ""
        self._last_event = asyncio.get_running_loop().time()
        low = not self.synced.is_set()
        self.synced.set()
        self._mirror.replace(found, low=low)

    async def _follow(self, events: AsyncGenerator[Manifest]) -> None:
        """Take events until the server ends the stream; one without a whole event is dead."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WATCH_SILENCE_SECONDS) as patience:
                async for event in events:
                    self._mirror.take(event["type"], event["object"])
                    self._last_event = loop.time()
                    patience.reschedule(self._last_event + WATCH_SILENCE_SECONDS)
        except TimeoutError as error:
            raise ClusterUnavailableError("the watch has been silent for too long") from error
