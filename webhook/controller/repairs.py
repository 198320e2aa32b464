"""How often each object had to be put right lately: a fight with another writer is not fought fast.

Two writers that undo each other would flood the API server and change nothing. So the first repairs
are made at once, and those that follow within a minute with pauses between them.
"""

import time
from collections import deque
from collections.abc import Callable

from webhook.core.model import ObjectKey

QUICK = 5
"""Repairs of one object within WINDOW_SECONDS that are made at once."""

WINDOW_SECONDS = 60.0

PAUSE_SECONDS = 3.0
"""Between two repairs of an object that somebody fights over; it stays wrong for that long at most."""


class Repairs:
    """Times of the last repairs, by namespace and object. `now` is monotonic, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._times: dict[str, dict[ObjectKey, deque[float]]] = {}
        self._swept = now()

    def note(self, namespace: str, key: ObjectKey) -> None:
        """An object was put right."""
        self._sweep()
        times = self._times.setdefault(namespace, {}).setdefault(key, deque(maxlen=QUICK))
        times.append(self._now())

    def pause(self, namespace: str, key: ObjectKey) -> float:
        """Seconds to wait before the object is put right again; 0 for at once."""
        times = self._times.get(namespace, {}).get(key)
        if times is None or not self._is_fought_over(times):
            return 0.0
        return max(0.0, times[-1] + PAUSE_SECONDS - self._now())

    def contested(self, namespace: str) -> tuple[ObjectKey, ...]:
        """The objects that somebody fights over."""
        times = self._times.get(namespace)
        return tuple(key for key, each in times.items() if self._is_fought_over(each)) if times else ()

    def forget(self, namespace: str) -> None:
        self._times.pop(namespace, None)

    def _is_fought_over(self, times: deque[float]) -> bool:
        return len(times) == QUICK and self._now() - times[0] < WINDOW_SECONDS

    def _sweep(self) -> None:
        """Once in a while, drop what is over: memory follows what happens now."""
        now = self._now()
        if now - self._swept < WINDOW_SECONDS:
            return
        self._swept = now
        recent = {
            namespace: {key: times for key, times in objects.items() if now - times[-1] < WINDOW_SECONDS}
            for namespace, objects in self._times.items()
        }
        self._times = {namespace: objects for namespace, objects in recent.items() if objects}
