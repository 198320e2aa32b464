"""How much of the API server we ask for: as many writes at once as it bears, and nothing while it says wait.

Writes adapt as TCP does: about one more at once after as many successes as there may be, half as many
when the server is in trouble. Reads have a small number of their own, so that a list never waits for
writes; watches are not counted.
"""

import asyncio
from collections import deque
from collections.abc import Callable

WRITES_AT_FIRST = 24
WRITES_AT_MOST = 32
"""More only wait in the API server's own queue (measured: 32 at once gave the best rate)."""

READS_AT_ONCE = 8

CALM_SECONDS = 1.0
"""Only a write sent so long after a halving causes another: of 24 that meet the same trouble, one counts."""

TROUBLE = frozenset({429, 503, 504})
"""Answers of a server that has too much to do, or that is not quite there."""


class Window:
    """The number of writes that may be under way. Moments are seconds on any one steady clock."""

    def __init__(self) -> None:
        self._size = float(WRITES_AT_FIRST)
        self._calm_from = float("-inf")

    @property
    def limit(self) -> int:
        return int(self._size)

    def grow(self) -> None:
        """A write was answered as it should be."""
        self._size = min(WRITES_AT_MOST, self._size + 1 / self._size)

    def shrink(self, *, sent: float, now: float) -> None:
        """A write that was sent at `sent` met trouble."""
        if sent >= self._calm_from:
            self._size = max(1.0, self._size / 2)
            self._calm_from = now + CALM_SECONDS


class Gate:
    """Lets calls go in the order they came, `limit()` at once, none before a hold is over.

    Use as an async context manager around one call.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._held_until = float("-inf")
        self._opening: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        if not self._waiting and self._is_free():
            self._under_way += 1
        else:
            await self._turn()

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def hold(self, seconds: float) -> None:
        """Let nobody in for `seconds`; who is in stays."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until > self._held_until:
            self._held_until = until
            if self._opening is not None:
                self._opening.cancel()
            self._opening = loop.call_at(until, self._open)

    def _is_free(self) -> bool:
        return self._opening is None and self._under_way < self._limit()

    def _open(self) -> None:
        self._opening = None
        self._admit()

    async def _turn(self) -> None:
        """Wait until `_admit` has given us a place; who is cancelled after that passes it on."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._under_way -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._is_free():
            place = self._waiting.popleft()
            if not place.cancelled():
                self._under_way += 1
                place.set_result(None)


class Throttle:
    """The gates of one process, and what its calls' ends mean for them.

    `on_limit` is told the number of writes allowed at once, `on_trouble` of each call that met trouble.
    """

    def __init__(self, *, on_limit: Callable[[int], None], on_trouble: Callable[[], None]) -> None:
        self._window = Window()
        self._on_limit = on_limit
        self._on_trouble = on_trouble
        self.writes = Gate(lambda: self._window.limit)
        self.reads = Gate(lambda: READS_AT_ONCE)
        on_limit(self._window.limit)

    def wrote(self) -> None:
        """A write has had an answer that is no trouble, whatever it says of the object."""
        before = self._window.limit
        self._window.grow()
        self._tell(before)

    def met_trouble(self, *, write: bool, sent: float, retry_after: float | None) -> None:
        """An answer of TROUBLE, or none in time. `retry_after` holds all writes; a read's, the reads too."""
        self._on_trouble()
        if retry_after is not None:
            self.writes.hold(retry_after)
            if not write:
                self.reads.hold(retry_after)
        if write:
            before = self._window.limit
            self._window.shrink(sent=sent, now=asyncio.get_running_loop().time())
            self._tell(before)

    def _tell(self, before: int) -> None:
        if self._window.limit != before:
            self._on_limit(self._window.limit)
