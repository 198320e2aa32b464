"""The service works only on a whole picture, and goes down with what it cannot do without."""

import asyncio

import pytest

from tests.controller.support import Told, until
from webhook.controller.loop import Loop
from webhook.controller.queue import KeyedQueue
from webhook.controller.reconcile import Outcome
from webhook.controller.service import ControllerService

pytestmark = pytest.mark.anyio


class Observer:
    def __init__(self) -> None:
        self.lists_complete = asyncio.Event()
        self.breaks = asyncio.Event()
        self.state = "new"

    async def run(self) -> None:
        self.state = "running"
        try:
            await self.breaks.wait()
            raise RuntimeError("the observer broke")
        except asyncio.CancelledError:
            self.state = "cancelled"
            raise

    async def synced(self) -> None:
        await self.lists_complete.wait()


class Setup:
    def __init__(self) -> None:
        told = Told()
        self.passes: list[str] = []
        self.observer = Observer()
        self.queue = KeyedQueue()
        self.loop = Loop(self.queue, self._reconcile, metrics=told.metrics, log=told.log)
        self.service = ControllerService(self.observer, self.loop)

    async def _reconcile(self, key: str) -> Outcome:
        self.passes.append(key)
        return Outcome("BundleComplete")


async def test_workers_start_only_when_the_first_lists_are_complete() -> None:
    setup = Setup()
    setup.queue.add("a")
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.observer.state == "running", "the observer runs")
    for _ in range(100):
        await asyncio.sleep(0)
    assert setup.passes == []
    setup.observer.lists_complete.set()
    await until(lambda: setup.passes == ["a"], "the key is passed over")
    setup.service.stop()
    await run


@pytest.mark.parametrize("synced", [pytest.param(False, id="before sync"), pytest.param(True, id="after")])
async def test_stop_ends_the_service_cleanly(synced: bool) -> None:
    setup = Setup()
    before = asyncio.all_tasks()
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.observer.state == "running", "the observer runs")
    setup.queue.add("a")
    if synced:
        setup.observer.lists_complete.set()
        await until(lambda: setup.passes, "work was done")
    setup.service.stop()
    await run
    assert setup.observer.state == "cancelled"
    assert setup.passes == (["a"] if synced else [])
    assert asyncio.all_tasks() == before


async def test_stop_before_run_ends_it_as_soon_as_it_runs() -> None:
    setup = Setup()
    setup.service.stop()
    await setup.service.run()
    assert setup.passes == []


@pytest.mark.parametrize("synced", [pytest.param(False, id="before sync"), pytest.param(True, id="after")])
async def test_an_observer_that_fails_takes_the_service_down_with_its_error(synced: bool) -> None:
    setup = Setup()
    before = asyncio.all_tasks()
    run = asyncio.create_task(setup.service.run())
    if synced:
        setup.observer.lists_complete.set()
        setup.queue.add("a")
        await until(lambda: setup.passes, "work was done")
    setup.observer.breaks.set()
    with pytest.raises(ExceptionGroup) as raised:
        await run
    assert raised.value.subgroup(RuntimeError) is not None
    assert asyncio.all_tasks() == before


async def test_cancelling_the_service_leaves_no_task() -> None:
    setup = Setup()
    setup.observer.lists_complete.set()
    before = asyncio.all_tasks()
    run = asyncio.create_task(setup.service.run())
    setup.queue.add("a")
    await until(lambda: setup.passes, "work was done")
    run.cancel()
    await asyncio.wait([run])
    assert run.cancelled()
    assert asyncio.all_tasks() == before
