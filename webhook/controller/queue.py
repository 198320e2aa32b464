"""A work queue of keys with client-go's contract.

A key is with one worker at a time; adding it meanwhile makes it come back exactly once when that
worker is done; adding it a hundred times before is one piece of work. Nothing is lost.
Source: kubernetes/client-go `util/workqueue`. Single-threaded: to be called on the event loop only.
"""

import asyncio


class KeyedQueue:
    """`_waiting` holds keys that are ready, `_dirty` those that need work, `_processing` those in hand."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._dirty: set[str] = set()
        self._processing: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def __len__(self) -> int:
        """Keys that wait for a worker; those in hand or delayed do not count."""
        return self._waiting.qsize()

    def add(self, key: str) -> None:
        """Ask for a pass over `key` as soon as possible; a delayed one is no longer needed."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._waiting.put_nowait(key)

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
        key = await self._waiting.get()
        self._processing.add(key)
        self._dirty.discard(key)
        return key

    def done(self, key: str) -> None:
        """Give `key` back; if it was added meanwhile, it goes to the end of the queue."""
        self._processing.discard(key)
        if key in self._dirty:
            self._waiting.put_nowait(key)

    def close(self) -> None:
        """Forget the delayed keys and take no more, so that no timer outlives the queue."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
