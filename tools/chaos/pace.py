"""Starts actions by an absolute schedule, so that a slow server cannot slow its own load."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

LATE_SECONDS = 0.05
"""A start later than this is counted: more would say that the client, not the server, was slow."""

Action = Callable[[float], Coroutine[Any, Any, None]]
"""Given when it was due (monotonic), from where its duration is reckoned."""


class Pace:
    """`rate` actions a second, each in a task of its own, until stopped."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.started = 0
        self.late = 0
        self.latest = 0.0
        self._stopping = False

    async def run(self, action: Action) -> None:
        """Returns when the last action has ended. What is due is started, however late it is."""
        begin = time.monotonic()  # the time of uvloop's own clock is in whole milliseconds
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                due = begin + self.started / self.rate
                await asyncio.sleep(max(due - time.monotonic(), 0))
                self._note(time.monotonic() - due)
                group.create_task(action(due))

    def stop(self) -> None:
        self._stopping = True

    def _note(self, lateness: float) -> None:
        self.started += 1
        self.late += lateness > LATE_SECONDS
        self.latest = max(self.latest, lateness)

    def __str__(self) -> str:
        return f"{self.late} of {self.started} ({self.latest * 1e3:.0f} ms at most)"
