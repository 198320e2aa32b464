"""The loop retries what fails, leaves the rest alone, and ends in good order."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.controller import virtualtime
from tests.controller.support import Told, running
from webhook import telemetry
from webhook.controller import loop as loops
from webhook.controller.loop import Loop
from webhook.controller.queue import KeyedQueue
from webhook.controller.reconcile import Outcome
from webhook.core import backoff
from webhook.core.errors import (
    ClusterUnavailableError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    RejectedError,
)

pytestmark = pytest.mark.anyio

DONE = Outcome("BundleComplete")
LEAST = backoff.BASE_SECONDS / 2


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


class Passes:
    """A reconcile whose results are scripted by key; the last one is given again and again."""

    def __init__(self, **script: list[Outcome | Exception]) -> None:
        self.script = script
        self.times: dict[str, list[float]] = {}

    async def __call__(self, key: str) -> Outcome:
        self.times.setdefault(key, []).append(virtualtime.running_loop().time())
        results = self.script.get(key, [DONE])
        result = results.pop(0) if len(results) > 1 else results[0]
        if isinstance(result, Exception):
            raise result
        return result

    def pauses(self, key: str) -> list[float]:
        times = self.times[key]
        return [after - before for before, after in itertools.pairwise(times)]


def build(
    reconcile: Callable[[str], Awaitable[Outcome]], told: Told | None = None, **more: Any
) -> tuple[KeyedQueue, Loop]:
    told = told or Told()
    queue = KeyedQueue()
    options = {"metrics": told.metrics, "log": told.log, "jitter": lambda: 0.0, **more}
    return queue, Loop(queue, reconcile, **options)


async def test_each_key_that_is_asked_for_is_passed_over_once() -> None:
    passes, told = Passes(), Told()
    queue, loop = build(passes, told)
    for key in ("a", "b", "a"):
        queue.add(key)
    async with running(loop.run()):
        await asyncio.sleep(1000)
    assert {key: len(times) for key, times in passes.times.items()} == {"a": 1, "b": 1}
    assert told.value("nsp_reconciles_total", result="BundleComplete") == 2


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ClusterUnavailableError("503", code=503), id="an API server that is down"),
        pytest.param(ConflictError("409", code=409), id="an object that has changed meanwhile"),
        pytest.param(NotFoundError("404", code=404), id="an object that went away"),
        pytest.param(RejectedError("403", code=403), id="a refusal nobody made a condition of"),
        pytest.param(ExpiredError("410", code=410), id="a version too old"),
        pytest.param(ValueError("oops"), id="a bug of ours"),
        pytest.param(TimeoutError(), id="a timeout nobody translated"),
    ],
)
async def test_an_error_is_retried_with_growing_pauses_and_concerns_its_key_alone(error: Exception) -> None:
    passes, told = Passes(bad=[error, error, error, DONE]), Told()
    queue, loop = build(passes, told)
    queue.add("bad")
    queue.add("good")
    async with running(loop.run()):
        await asyncio.sleep(1000)
    assert passes.pauses("bad") == pytest.approx([LEAST, 2 * LEAST, 4 * LEAST])
    assert len(passes.times["good"]) == 1
    assert told.value("nsp_reconciles_total", result="error") == 3
    lines = [line for line in told.lines() if line["level"] == "error"]
    assert [(line["namespace"], line["failures"]) for line in lines] == [("bad", 1), ("bad", 2), ("bad", 3)]


async def test_pauses_stop_growing_at_the_limit() -> None:
    passes = Passes(bad=[ValueError()])
    queue, loop = build(passes)
    queue.add("bad")
    async with running(loop.run()):
        await asyncio.sleep(3600)
    assert max(passes.pauses("bad")) == pytest.approx(backoff.LIMIT_SECONDS / 2)


async def test_success_clears_the_failures() -> None:
    bad = ClusterUnavailableError("503")
    passes = Passes(a=[bad, bad, bad, Outcome("Rejected", retry_after=30), bad, DONE])
    queue, loop = build(passes)
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(1000)
    assert passes.pauses("a")[-2:] == pytest.approx([30, LEAST])


async def test_retry_after_of_an_outcome_brings_the_key_back_after_that_time() -> None:
    passes = Passes(a=[Outcome("ForeignObject", retry_after=30.0), DONE])
    queue, loop = build(passes)
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(1000)
    assert passes.pauses("a") == pytest.approx([30])


async def test_retry_after_of_a_server_is_a_least_pause() -> None:
    passes = Passes(a=[ClusterUnavailableError("429", code=429, retry_after=7.0), DONE])
    queue, loop = build(passes)
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(1000)
    assert passes.pauses("a")[0] >= 7


async def test_news_during_a_pause_brings_the_key_back_at_once() -> None:
    passes = Passes(a=[Outcome("UnknownTier", retry_after=30.0), DONE])
    queue, loop = build(passes)
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(1)
        queue.add("a")
        await asyncio.sleep(1000)
    assert passes.pauses("a") == pytest.approx([1])


async def test_passes_run_side_by_side_but_never_two_over_one_key() -> None:
    in_hand: list[str] = []
    most = 0

    async def reconcile(key: str) -> Outcome:
        nonlocal most
        assert key not in in_hand
        in_hand.append(key)
        most = max(most, len(in_hand))
        queue.add(key)
        await asyncio.sleep(1)
        in_hand.remove(key)
        return DONE

    queue, loop = build(reconcile)
    for number in range(3 * loops.WORKERS):
        queue.add(f"ns-{number}")
    async with running(loop.run()):
        await asyncio.sleep(20)
        assert most == loops.WORKERS


async def test_a_hanging_pass_keeps_no_other_key_waiting() -> None:
    passed: list[str] = []

    async def reconcile(key: str) -> Outcome:
        if key == "hangs":
            await asyncio.Event().wait()
        passed.append(key)
        return DONE

    queue, loop = build(reconcile)
    for key in ("hangs", "a", "b"):
        queue.add(key)
    async with running(loop.run()):
        await asyncio.sleep(1)
    assert passed == ["a", "b"]


async def test_stop_lets_the_pass_in_hand_finish_begins_no_other_and_leaves_no_task() -> None:
    began, ended = [], []

    async def reconcile(key: str) -> Outcome:
        began.append(key)
        await asyncio.sleep(1)
        ended.append(key)
        return DONE

    queue, loop = build(reconcile)
    before = asyncio.all_tasks()
    run = asyncio.create_task(loop.run())
    queue.add("a")
    await asyncio.sleep(0.5)
    loop.stop()
    queue.add("a")
    queue.add("b")
    await run
    assert (began, ended) == (["a"], ["a"])
    assert asyncio.all_tasks() == before
    assert virtualtime.running_loop().time() == pytest.approx(1)


async def test_stop_without_work_ends_at_once() -> None:
    _, loop = build(Passes())
    run = asyncio.create_task(loop.run())
    await asyncio.sleep(1)
    loop.stop()
    await run
    assert virtualtime.running_loop().time() == pytest.approx(1)


async def test_stop_before_run_does_no_work_and_ends() -> None:
    passes = Passes()
    queue, loop = build(passes)
    queue.add("a")
    loop.stop()
    await loop.run()
    assert passes.times == {}


async def test_a_pass_that_hangs_is_cancelled_when_the_drain_is_over() -> None:
    cancelled: list[str] = []

    async def reconcile(key: str) -> Outcome:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(key)
            raise
        return DONE

    queue, loop = build(reconcile)
    before = asyncio.all_tasks()
    run = asyncio.create_task(loop.run())
    queue.add("a")
    await asyncio.sleep(1)
    loop.stop()
    await run
    assert cancelled == ["a"]
    assert virtualtime.running_loop().time() == pytest.approx(1 + loops.DRAIN_SECONDS)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(ClusterUnavailableError("503"), id="a pass that fails while draining"),
        pytest.param(Outcome("ForeignObject", retry_after=30.0), id="a pass that asks for another one"),
    ],
)
async def test_after_the_drain_no_timer_is_left(result: Outcome | Exception) -> None:
    release = asyncio.Event()

    async def reconcile(_: str) -> Outcome:
        await release.wait()
        if isinstance(result, Exception):
            raise result
        return result

    queue, loop = build(reconcile)
    run = asyncio.create_task(loop.run())
    queue.add("a")
    await asyncio.sleep(1)
    loop.stop()
    release.set()
    await run
    assert virtualtime.running_loop().timers() == []


async def test_cancelling_the_loop_leaves_no_task() -> None:
    queue, loop = build(Passes(a=[ValueError()]))
    before = asyncio.all_tasks()
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(100)
    assert asyncio.all_tasks() == before
    queue.close()
    assert virtualtime.running_loop().timers() == []


async def test_a_loop_that_was_cancelled_runs_again_with_all_that_was_asked_for_meanwhile() -> None:
    passes = Passes(a=[ValueError(), DONE])
    queue, loop = build(passes)
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(0.001)
    queue.add("b")
    async with running(loop.run()):
        await asyncio.sleep(100)
    assert len(passes.times["a"]) == 2, "the retry that was due in between"
    assert len(passes.times["b"]) == 1


async def test_a_pass_that_was_cut_off_is_made_again_in_another_term() -> None:
    began: list[str] = []

    async def reconcile(key: str) -> Outcome:
        began.append(key)
        if len(began) == 1:
            await asyncio.Event().wait()
        return DONE

    queue, loop = build(reconcile)
    queue.add("a")
    async with running(loop.run()):
        await asyncio.sleep(1)
    async with running(loop.run()):
        await asyncio.sleep(1)
    assert began == ["a", "a"]


async def test_each_term_begins_anew_before_its_first_pass() -> None:
    order: list[str] = []

    async def reconcile(key: str) -> Outcome:
        order.append(key)
        return DONE

    queue, loop = build(reconcile, begin=lambda: order.append("begin"))
    for key in ("a", "b"):
        queue.add(key)
        async with running(loop.run()):
            await asyncio.sleep(1)
    assert order == ["begin", "a", "begin", "b"]


async def test_cancelling_the_loop_drains_it_as_stop_does() -> None:
    """This is what happens when the observer fails: nothing to wait for beyond the pass in hand."""
    began, ended = [], []

    async def reconcile(key: str) -> Outcome:
        began.append(key)
        await asyncio.sleep(1)
        ended.append(key)
        return DONE

    queue, loop = build(reconcile)
    queue.add("a")
    async with running(loop.run()) as run:
        await asyncio.sleep(0.5)
        run.cancel()
        queue.add("a")
        await asyncio.wait([run])
    assert (began, ended) == (["a"], ["a"])
    assert virtualtime.running_loop().time() == pytest.approx(1)


class _Unwritable:
    def write(self, _: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise AssertionError("nothing was written")


async def test_workers_that_die_take_the_loop_down_instead_of_leaving_it_deaf() -> None:
    """Here the log cannot be written; whatever it is, nobody working must not look like all being well."""
    stream: Any = _Unwritable()
    queue, loop = build(Passes(a=[ValueError()]), log=telemetry.Log(now=Told().log.now, stream=stream))
    queue.add("a")
    run = asyncio.create_task(loop.run())
    await asyncio.wait([run], timeout=100)
    ended = run.done()
    loop.stop()
    [error] = await asyncio.gather(run, return_exceptions=True)
    assert ended, "a worker died and the loop went on without it"
    assert isinstance(error, BrokenPipeError | ExceptionGroup)
