"""Workers that take keys from the queue and reconcile them, with back-off for what fails."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from traceback import format_exc

from webhook import telemetry
from webhook.controller.queue import KeyedQueue
from webhook.controller.reconcile import Outcome
from webhook.core import backoff
from webhook.core.errors import ClusterError, ClusterUnavailableError

WORKERS = 24
"""Passes at once, each with one write in flight: more only wait in the API server (measured)."""

TROUBLE_LIMIT_SECONDS = 5.0
"""Longest pause after trouble that passes: an API server that is back finds everything mended soon."""

DRAIN_SECONDS = 5.0
"""On shutdown, how long a pass in hand may take to finish."""


class Loop:
    """Runs `reconcile` for every key of `queue` until stopped.

    `begin` is called before the first pass of each term: what was remembered from an earlier one is old.
    """

    def __init__(
        self,
        queue: KeyedQueue,
        reconcile: Callable[[str], Awaitable[Outcome]],
        *,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
        begin: Callable[[], None] = lambda: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._metrics = metrics
        self._log = log
        self._begin = begin
        self._jitter = jitter
        self._failures: dict[str, int] = {}
        self._stopping = asyncio.Event()
        self._ending = False
        self._in_hand: set[asyncio.Task[None]] = set()
        metrics.queue_depth.set_function(lambda: len(queue))
        metrics.queue_oldest.set_function(queue.oldest_seconds)

    async def run(self) -> None:
        """Work until `stop` or until cancelled; the passes in hand may finish, for at most DRAIN_SECONDS.

        After a cancellation it can be run again: the queue has kept what was asked for meanwhile.
        A worker that fails takes the loop down with its error: better ended than deaf.
        """
        self._ending = False
        self._begin()
        workers = [asyncio.create_task(self._work()) for _ in range(WORKERS)]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait({stopping, *workers}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._ending = True
            stopping.cancel()
            if self._stopping.is_set():
                self._queue.close()
            await self._drain(workers)

    def stop(self) -> None:
        self._stopping.set()

    async def _drain(self, workers: list[asyncio.Task[None]]) -> None:
        for worker in workers:
            if worker not in self._in_hand:
                worker.cancel()
        await asyncio.wait(workers, timeout=DRAIN_SECONDS)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        while not self._is_ending():
            key = await self._queue.get()
            self._in_hand.add(me)
            try:
                if self._is_ending():
                    self._queue.add(key)  # for another term
                else:
                    await self._pass(key)
            except asyncio.CancelledError:
                self._queue.add(key)  # what was begun in this term is finished in another
                raise
            finally:
                self._queue.done(key)
                self._in_hand.discard(me)

    def _is_ending(self) -> bool:
        return self._ending or self._stopping.is_set()

    async def _pass(self, key: str) -> None:
        """One pass; whatever goes wrong in it concerns this key alone."""
        try:
            outcome = await self._reconcile(key)
        except ClusterError as error:
            asked = error.retry_after or 0.0 if isinstance(error, ClusterUnavailableError) else 0.0
            seconds = max(asked, self._pause(key, limit=TROUBLE_LIMIT_SECONDS))
            self._retry(key, seconds, "passing trouble, trying again", detail=str(error), code=error.code)
            return
        except Exception as error:
            seconds = self._pause(key, limit=backoff.LIMIT_SECONDS)
            self._retry(
                key, seconds, "unexpected error, trying again", detail=repr(error), traceback=format_exc()
            )
            return
        self._failures.pop(key, None)
        self._metrics.reconciles.labels(outcome.result).inc()
        if outcome.retry_after is not None:
            self._queue.add_after(key, outcome.retry_after)

    def _pause(self, key: str, *, limit: float) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return backoff.delay(failures, self._jitter(), limit=limit)

    def _retry(self, key: str, seconds: float, message: str, **fields: object) -> None:
        self._metrics.reconciles.labels("error").inc()
        self._log.error(
            message, namespace=key, failures=self._failures[key], seconds=round(seconds, 3), **fields
        )
        self._queue.add_after(key, seconds)
