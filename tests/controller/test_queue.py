"""The queue keeps client-go's contract: nothing lost, nothing twice at once, in order, in time."""

import asyncio
import random
from collections import Counter

import pytest

from tests.controller import virtualtime
from webhook.controller.queue import KeyedQueue

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


async def taken(queue: KeyedQueue) -> list[str]:
    """Takes and gives back all that is ready."""
    keys = []
    while len(queue):
        keys.append(await queue.get())
        queue.done(keys[-1])
    return keys


async def test_keys_come_in_the_order_they_were_added() -> None:
    queue = KeyedQueue()
    for key in ("b", "a", "c"):
        queue.add(key)
    assert await taken(queue) == ["b", "a", "c"]


async def test_a_key_added_many_times_before_is_one_piece_of_work_in_its_first_place() -> None:
    queue = KeyedQueue()
    for key in ("a", "b", "a", "a"):
        queue.add(key)
    assert len(queue) == 2
    assert await taken(queue) == ["a", "b"]


async def test_a_key_added_while_in_hand_is_with_nobody_else_and_comes_back_exactly_once() -> None:
    queue = KeyedQueue()
    queue.add("a")
    assert await queue.get() == "a"
    for _ in range(3):
        queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await taken(queue) == ["a"]


async def test_a_key_that_comes_back_goes_to_the_end() -> None:
    queue = KeyedQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("b")
    queue.done("a")
    assert await taken(queue) == ["b", "a"]


async def test_low_keys_come_after_the_others() -> None:
    queue = KeyedQueue()
    queue.add("listed", low=True)
    queue.add("changed")
    assert len(queue) == 2
    assert await taken(queue) == ["changed", "listed"]


async def test_every_tenth_key_is_a_low_one_so_that_none_starves() -> None:
    queue = KeyedQueue()
    for number in range(3):
        queue.add(f"low-{number}", low=True)
    for number in range(40):
        queue.add(f"live-{number}")
    order = await taken(queue)
    assert [order.index(f"low-{number}") for number in range(3)] == [9, 19, 29]


@pytest.mark.parametrize("in_hand", [False, True], ids=["while it waits", "while it is in hand"])
async def test_a_low_key_that_changes_is_no_longer_low(in_hand: bool) -> None:
    queue = KeyedQueue()
    queue.add("a", low=True)
    if in_hand:
        await queue.get()
        queue.add("a", low=True)
    queue.add("b", low=True)
    queue.add("a")
    if in_hand:
        queue.done("a")
    assert len(queue) == 2
    assert await taken(queue) == ["a", "b"]


async def test_a_key_that_changed_does_not_become_low_by_a_resync() -> None:
    queue = KeyedQueue()
    queue.add("a")
    queue.add("a", low=True)
    queue.add("b", low=True)
    assert await taken(queue) == ["a", "b"]


async def test_the_oldest_age_is_that_of_the_key_that_waits_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("webhook.controller.queue.time.monotonic", lambda: now[0])
    queue = KeyedQueue()
    assert queue.oldest_seconds() == 0.0
    queue.add("a", low=True)
    now[0] += 5
    queue.add("b")
    now[0] += 2
    assert queue.oldest_seconds() == 7.0
    await taken(queue)
    assert queue.oldest_seconds() == 0.0


async def test_done_without_news_leaves_nothing() -> None:
    queue = KeyedQueue()
    queue.add("a")
    await queue.get()
    queue.done("a")
    assert len(queue) == 0


async def test_a_waiting_worker_gets_the_key_at_once() -> None:
    queue = KeyedQueue()
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    queue.add("a")
    assert await worker == "a"
    assert virtualtime.running_loop().time() == pytest.approx(1)


async def test_a_worker_cancelled_as_its_key_arrives_loses_nothing() -> None:
    queue = KeyedQueue()
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    worker.cancel()
    await asyncio.wait([worker])
    assert worker.cancelled()
    assert await taken(queue) == ["a"]


async def test_a_cancelled_worker_wakes_the_next_one() -> None:
    queue = KeyedQueue()
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await second == "a"


@pytest.mark.parametrize(
    ("delays", "due"),
    [
        pytest.param([3.0], 3.0, id="one delay counts from now"),
        pytest.param([3.0, 1.0], 1.0, id="an earlier delay replaces a later one"),
        pytest.param([1.0, 3.0], 1.0, id="a later delay changes nothing"),
        pytest.param([2.0, 2.0], 2.0, id="equal delays are one"),
        pytest.param([0.0], 0.0, id="no delay is as soon as possible"),
    ],
)
async def test_of_several_delays_the_earliest_counts_and_once(delays: list[float], due: float) -> None:
    queue = KeyedQueue()
    for seconds in delays:
        queue.add_after("a", seconds)
    assert len(queue) == 0
    assert await queue.get() == "a"
    assert virtualtime.running_loop().time() == pytest.approx(due)
    queue.done("a")
    await asyncio.sleep(10)
    assert len(queue) == 0


async def test_delayed_keys_come_in_the_order_of_their_times() -> None:
    queue = KeyedQueue()
    for key, seconds in (("late", 3.0), ("soon", 1.0), ("then", 2.0)):
        queue.add_after(key, seconds)
    await asyncio.sleep(5)
    assert await taken(queue) == ["soon", "then", "late"]


async def test_add_cancels_a_delay() -> None:
    queue = KeyedQueue()
    queue.add_after("a", 5)
    queue.add("a")
    assert await taken(queue) == ["a"]
    assert virtualtime.running_loop().timers() == []


async def test_a_delay_that_ends_while_the_key_is_in_hand_brings_it_back() -> None:
    queue = KeyedQueue()
    queue.add("a")
    await queue.get()
    queue.add_after("a", 1)
    await asyncio.sleep(2)
    assert len(queue) == 0
    queue.done("a")
    assert await taken(queue) == ["a"]


async def test_a_delay_set_while_the_key_waits_is_not_lost() -> None:
    queue = KeyedQueue()
    queue.add("a")
    queue.add_after("a", 1)
    assert await taken(queue) == ["a"]
    await asyncio.sleep(2)
    assert await taken(queue) == ["a"]


async def test_close_leaves_no_timers_and_keeps_what_is_ready() -> None:
    queue = KeyedQueue()
    queue.add("a")
    queue.add_after("b", 5)
    queue.close()
    assert virtualtime.running_loop().timers() == []
    assert await taken(queue) == ["a"]


async def test_a_delay_asked_for_after_close_leaves_no_timer() -> None:
    queue = KeyedQueue()
    queue.close()
    queue.add_after("a", 60)
    assert virtualtime.running_loop().timers() == []


@pytest.mark.parametrize("seed", range(20))
async def test_under_random_interleaving_nothing_is_lost_and_no_key_is_twice_in_hand(seed: int) -> None:
    """Six workers, three producers; what counts is that a pass begins after every request."""
    chance = random.Random(seed)
    queue = KeyedQueue()
    loop = virtualtime.running_loop()
    in_hand: set[str] = set()
    requests: Counter[str] = Counter()  # asked for, by key
    served: Counter[str] = Counter()  # how many requests the last pass that began could know

    async def worker() -> None:
        while True:
            key = await queue.get()
            assert key not in in_hand
            in_hand.add(key)
            served[key] = requests[key]
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.02)))
            if chance.random() < 0.1:
                queue.add_after(key, chance.random())
            in_hand.discard(key)
            queue.done(key)

    async def producer() -> None:
        for _ in range(60):
            key = chance.choice("abcd")
            requests[key] += 1
            if chance.random() < 0.5:
                queue.add(key)
            else:
                queue.add_after(key, chance.choice((0, 0.001, 0.01, 0.3)))
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.005)))

    workers = [asyncio.create_task(worker()) for _ in range(6)]
    await asyncio.gather(*(producer() for _ in range(3)))
    await asyncio.sleep(60)
    for task in workers:
        task.cancel()
    await asyncio.wait(workers)
    assert all(task.cancelled() for task in workers)
    assert served == requests
    assert loop.timers() == []
