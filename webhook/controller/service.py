"""The controller as one service: every replica observes, and the one that leads works."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol


class Observer(Protocol):
    """Feeds the queue with what changes in the cluster, until cancelled."""

    async def run(self) -> None: ...

    async def synced(self) -> None: ...


class Elector(Protocol):
    """Runs what only one replica may run, whenever that is this one."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Until `lead` ends by itself or fails, or until `stop` while it does not run.

        `lead` is cancelled when leadership is lost, and run again in a later term.
        """
        ...

    def stop(self) -> None: ...


class Worker(Protocol):
    """Writes to the cluster until stopped; cancelled, it can be run again."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


class ControllerService:
    """Every replica observes all the time, so that who comes to lead knows everything already.

    Nobody is a candidate before its first lists are complete: half a picture looks like drift.
    """

    def __init__(self, observer: Observer, workers: Sequence[Worker], elector: Elector) -> None:
        self._observer = observer
        self._workers = workers
        self._elector = elector
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`. An observer or a worker that fails takes the service down with its error."""
        async with asyncio.TaskGroup() as group:
            observing = group.create_task(self._observer.run())
            await self._first_sight(group)
            gc.freeze()  # the first lists stay: looking through them again and again would cost seconds
            await self._elector.run(self._lead)
            observing.cancel()

    def stop(self) -> None:
        """What is in hand is finished, then another replica may lead, then nothing is observed any more."""
        self._stopping.set()
        for worker in self._workers:
            worker.stop()
        self._elector.stop()

    async def _lead(self) -> None:
        if self._stopping.is_set():
            return  # elected in the moment of the stop
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(self._work(worker))

    async def _work(self, worker: Worker) -> None:
        await worker.run()
        if not self._stopping.is_set():
            raise RuntimeError(f"{type(worker).__name__} has ended by itself")

    async def _first_sight(self, group: asyncio.TaskGroup) -> None:
        waits = [group.create_task(self._observer.synced()), group.create_task(self._wait_stop())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _wait_stop(self) -> None:
        await self._stopping.wait()
