"""The controller as one service: observe, and once everything has been seen, work."""

import asyncio
from typing import Protocol

from webhook.controller.loop import Loop


class Observer(Protocol):
    """Feeds the queue with what changes in the cluster, until cancelled."""

    async def run(self) -> None: ...

    async def synced(self) -> None: ...


class ControllerService:
    """Starts the workers only when the first lists are complete: half a picture looks like drift."""

    def __init__(self, observer: Observer, loop: Loop) -> None:
        self._observer = observer
        self._loop = loop
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`. An observer that fails takes the service down with its error."""
        async with asyncio.TaskGroup() as group:
            observing = group.create_task(self._observer.run())
            await self._first_sight(group)
            await self._loop.run()
            observing.cancel()

    def stop(self) -> None:
        self._stopping.set()
        self._loop.stop()

    async def _first_sight(self, group: asyncio.TaskGroup) -> None:
        waits = [group.create_task(self._observer.synced()), group.create_task(self._wait_stop())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _wait_stop(self) -> None:
        await self._stopping.wait()
