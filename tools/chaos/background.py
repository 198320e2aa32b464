"""An event loop in a thread of its own: load and balancer go on while a campaign waits for processes."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeVar

import uvloop

from tools.chaos import farewell
from tools.chaos.pace import Pace

T = TypeVar("T")

CALL_SECONDS = 60.0
"""More than anything asked of the loop may take; whoever waits longer has met a bug."""


class Load(Protocol):
    """Something that makes requests until its pace is stopped."""

    pace: Pace

    def run(self) -> Coroutine[Any, Any, None]: ...


class Background:
    """Use as a context manager; what still runs at its end is cancelled."""

    def __enter__(self) -> Self:
        self._loop = uvloop.new_event_loop()
        self._sockets = farewell.sockets()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(_cancel_all())
        self.call(farewell.until_closed(self._sockets))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    @contextmanager
    def under(self, *loads: Load) -> Iterator[None]:
        """The loads run throughout the block; at its end their last request has been answered."""
        running = [self.start(load.run()) for load in loads]
        try:
            yield
        finally:
            for load in loads:
                load.pace.stop()
        for each in running:
            each.result(CALL_SECONDS)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return self.start(work).result(CALL_SECONDS)


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
