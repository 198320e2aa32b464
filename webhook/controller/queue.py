"""A work queue of keys with client-go's contract, and two priorities.

A key is with one worker at a time; adding it meanwhile makes it come back exactly once when that
worker is done; adding it a hundred times before is one piece of work. Nothing is lost. What nobody
waits for (a first list, a resync) goes behind what has just changed, but is never starved by it.
Sources: kubernetes/client-go `util/workqueue`, controller-runtime's priority queue.
Single-threaded: to be called on the event loop only.
"""

import asyncio
import time

LOW_TURN = 10
"""Every tenth key is taken from the low ones, if there are any, however many others wait."""


class KeyedQueue:
    """`_waiting` and `_low` hold keys that are ready, with the time since when; `_dirty` those that need
    work, with whether they are low; `_processing` those in hand."""

    def __init__(self) -> None:
        self._waiting: dict[str, float] = {}
        self._low: dict[str, float] = {}
        self._ready = asyncio.Semaphore(0)
        self._dirty: dict[str, bool] = {}
        self._processing: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._taken = 0
        self._closed = False

    def __len__(self) -> int:
        """Keys that wait for a worker; those in hand or delayed do not count."""
        return len(self._waiting) + len(self._low)

    def oldest_seconds(self) -> float:
        """How long the key that has waited longest has done so; 0 when none waits."""
        first = [next(iter(keys.values())) for keys in (self._waiting, self._low) if keys]
        return time.monotonic() - min(first) if first else 0.0

    def add(self, key: str, *, low: bool = False) -> None:
        """Ask for a pass over `key` as soon as possible; a delayed one is no longer needed."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._dirty:
            if self._dirty[key] and not low:
                self._promote(key)
            return
        self._dirty[key] = low
        if key not in self._processing:
            self._put(key, low=low)

    def add_after(self, key: str, seconds: float) -> None:
        """Ask for a pass in `seconds`; of two delays the earlier one counts. Ignored once closed."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self.add, key)

    async def get(self) -> str:
        """The next key, which is the caller's until `done`."""
        await self._ready.acquire()
        self._taken += 1
        low = not self._waiting or (self._low and self._taken % LOW_TURN == 0)
        keys = self._low if low else self._waiting
        key = next(iter(keys))
        del keys[key]
        self._processing.add(key)
        del self._dirty[key]
        return key

    def done(self, key: str) -> None:
        """Give `key` back; if it was added meanwhile, it goes to the end of the queue."""
        self._processing.discard(key)
        if key in self._dirty:
            self._put(key, low=self._dirty[key])

    def close(self) -> None:
        """Forget the delayed keys and take no more, so that no timer outlives the queue."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _put(self, key: str, *, low: bool) -> None:
        keys = self._low if low else self._waiting
        keys[key] = time.monotonic()
        self._ready.release()

    def _promote(self, key: str) -> None:
        self._dirty[key] = False
        since = self._low.pop(key, None)
        if since is not None:
            self._waiting[key] = since
