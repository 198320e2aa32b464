"""The service works only on a whole picture and while it leads; it goes down with what it needs."""

import asyncio
from collections.abc import Awaitable, Callable

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


class Poll:
    """An Elector whose outcome the test decides: it leads while `elected` is set."""

    def __init__(self) -> None:
        self.candidate = False
        self.elected = asyncio.Event()
        self.lost = asyncio.Event()
        self.stopping = asyncio.Event()

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        self.candidate = True
        try:
            while await self._either(self.elected, self.stopping):
                leading = asyncio.ensure_future(lead())
                losing = asyncio.create_task(self.lost.wait())
                try:
                    await asyncio.wait({leading, losing}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    losing.cancel()
                    lost = not leading.done()
                    leading.cancel()
                    await asyncio.wait({leading})
                self.elected.clear()
                if not lost:
                    leading.result()
                    return
        finally:
            self.candidate = False

    def stop(self) -> None:
        self.stopping.set()

    async def _either(self, yes: asyncio.Event, no: asyncio.Event) -> bool:
        waits = {asyncio.create_task(yes.wait()), asyncio.create_task(no.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return yes.is_set()


class Second:
    """Another worker, beside the loop."""

    def __init__(self) -> None:
        self.begun = 0
        self.running = False
        self.breaks = asyncio.Event()
        self.ends = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        self.begun += 1
        self.running = True
        waits = {asyncio.create_task(event.wait()) for event in (self.breaks, self.ends, self._stopping)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self.breaks.is_set():
                raise RuntimeError("the worker broke")
        finally:
            self.running = False
            for wait in waits:
                wait.cancel()

    def stop(self) -> None:
        self._stopping.set()


class Setup:
    def __init__(self, *, elected: bool = True) -> None:
        told = Told()
        self.passes: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.observer = Observer()
        self.poll = Poll()
        if elected:
            self.poll.elected.set()
        self.second = Second()
        self.queue = KeyedQueue()
        self.loop = Loop(self.queue, self._reconcile, metrics=told.metrics, log=told.log)
        self.service = ControllerService(self.observer, (self.loop, self.second), self.poll)

    async def _reconcile(self, key: str) -> Outcome:
        self.passes.append(f"{key} begun")
        await self.gate.wait()
        self.passes.append(f"{key} done")
        assert self.observer.state == "running"
        return Outcome("BundleComplete")


WORKED = ["a begun", "a done"]


async def settle() -> None:
    """Let everything happen that can happen without anything from outside."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_nobody_is_a_candidate_before_the_first_lists_are_complete() -> None:
    setup = Setup()
    setup.queue.add("a")
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.observer.state == "running", "the observer runs")
    await settle()
    assert (setup.poll.candidate, setup.passes) == (False, [])
    setup.observer.lists_complete.set()
    await until(lambda: setup.passes == WORKED, "the key is passed over")
    setup.service.stop()
    await run


async def test_who_does_not_lead_observes_and_does_nothing_else() -> None:
    setup = Setup(elected=False)
    setup.observer.lists_complete.set()
    setup.queue.add("a")
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.poll.candidate, "it is a candidate")
    await settle()
    assert (setup.observer.state, setup.passes, setup.second.begun) == ("running", [], 0)
    setup.poll.elected.set()
    await until(lambda: setup.passes == WORKED and setup.second.running, "all workers work")
    setup.service.stop()
    await run


async def test_lost_leadership_ends_the_workers_and_not_the_observer_until_the_next_term() -> None:
    setup = Setup()
    setup.observer.lists_complete.set()
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.second.running, "it leads")
    setup.poll.lost.set()
    await until(lambda: not setup.second.running, "the workers have ended")
    setup.queue.add("a")
    await settle()
    assert (setup.observer.state, setup.passes, run.done()) == ("running", [], False)
    setup.poll.lost.clear()
    setup.poll.elected.set()
    await until(lambda: setup.passes == WORKED, "what came meanwhile is done")
    assert setup.second.begun == 2
    setup.service.stop()
    await run


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("listing", id="before sync"),
        pytest.param("candidate", id="as a candidate"),
        pytest.param("leading", id="as the leader"),
    ],
)
async def test_stop_ends_the_service_cleanly(state: str) -> None:
    setup = Setup(elected=state == "leading")
    before = asyncio.all_tasks()
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.observer.state == "running", "the observer runs")
    setup.queue.add("a")
    if state != "listing":
        setup.observer.lists_complete.set()
        await until(lambda: setup.poll.candidate, "it is a candidate")
    if state == "leading":
        await until(lambda: setup.passes, "work was done")
    setup.service.stop()
    await run
    assert setup.observer.state == "cancelled"
    assert setup.passes == (WORKED if state == "leading" else [])
    assert asyncio.all_tasks() == before


async def test_on_stop_what_is_in_hand_is_finished_before_the_lease_goes_and_the_observer_last() -> None:
    setup = Setup()
    setup.observer.lists_complete.set()
    setup.gate.clear()
    setup.queue.add("a")
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.passes == ["a begun"], "a pass is in hand")
    setup.service.stop()
    await settle()
    assert (setup.poll.candidate, setup.observer.state) == (True, "running")
    setup.gate.set()
    await run
    assert setup.passes == WORKED


async def test_elected_in_the_moment_of_the_stop_it_does_not_begin() -> None:
    setup = Setup(elected=False)
    setup.observer.lists_complete.set()
    setup.queue.add("a")
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.poll.candidate, "it is a candidate")
    setup.poll.elected.set()
    setup.service.stop()
    await run
    assert (setup.passes, setup.second.begun) == ([], 0)


async def test_stop_before_run_ends_it_as_soon_as_it_runs() -> None:
    setup = Setup(elected=False)
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


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param("breaks", "the worker broke", id="fails"),
        pytest.param("ends", "Second has ended by itself", id="ends by itself"),
    ],
)
async def test_the_service_goes_down_with_a_worker_that(how: str, said: str) -> None:
    setup = Setup()
    setup.observer.lists_complete.set()
    before = asyncio.all_tasks()
    run = asyncio.create_task(setup.service.run())
    await until(lambda: setup.second.running, "it leads")
    getattr(setup.second, how).set()
    with pytest.raises(ExceptionGroup) as raised:
        await run
    assert raised.value.subgroup(lambda error: str(error) == said) is not None
    assert not setup.poll.candidate
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
