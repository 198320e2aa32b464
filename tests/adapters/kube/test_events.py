"""Events are written in the namespace they are about, slowly, once, and never at any price."""

import asyncio
from typing import Any

import pytest

from tests.controller import virtualtime
from tests.controller.support import StoppedClock, Told, namespace, running
from webhook.adapters.kube import events
from webhook.adapters.kube.events import EventRecorder
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import ClusterError, ClusterUnavailableError, NotFoundError
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


class Posts(Transport):
    """A transport that keeps what is created, and when, or fails as told."""

    def __init__(self, *failures: ClusterError) -> None:
        self.failures = list(failures)
        self.made: list[tuple[float, str, Manifest]] = []

    async def create(self, path: str, manifest: Manifest) -> Manifest:
        if self.failures:
            raise self.failures.pop(0)
        self.made.append((virtualtime.running_loop().time(), path, manifest))
        return manifest


class Setup:
    def __init__(self, *failures: ClusterError) -> None:
        self.posts, self.told = Posts(*failures), Told()
        self.recorder = EventRecorder(
            self.posts,
            clock=StoppedClock(),
            instance="pod-1",
            metrics=self.told.metrics,
            monotonic=lambda: virtualtime.running_loop().time(),
        )

    def say(self, message: str = "too much", name: str = "payments", **more: Any) -> None:
        said = {"warning": True, "reason": "OverBudget", "message": message, **more}
        self.recorder.record(namespace(name), **said)

    async def write(self, seconds: float = 1000) -> list[Manifest]:
        async with running(self.recorder.run()):
            await asyncio.sleep(seconds)
        return [event for _, _, event in self.posts.made]


async def test_an_event_is_about_the_namespace_and_stands_in_it() -> None:
    setup = Setup()
    setup.say()
    [event] = await setup.write()
    assert setup.posts.made[0][1] == "/api/v1/namespaces/payments/events"
    about = event["involvedObject"]
    assert (about["kind"], about["name"], about["namespace"], about["uid"]) == (
        "Namespace",
        "payments",
        "payments",
        "uid-payments",
    )
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "OverBudget", "too much")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-03-01T12:00:10Z"
    assert setup.told.value("nsp_events_total", result="written") == 1


async def test_good_news_is_normal() -> None:
    setup = Setup()
    setup.say(warning=False)
    [event] = await setup.write()
    assert event["type"] == "Normal"


async def test_a_long_message_is_cut_where_the_api_would_refuse_it() -> None:
    setup = Setup()
    setup.say("x" * 5000)
    [event] = await setup.write()
    assert len(event["message"]) == events.MESSAGE_LIMIT


async def test_the_same_words_are_not_repeated_but_other_words_and_namespaces_are_heard() -> None:
    setup = Setup()
    for message, name in (("a", "payments"), ("a", "payments"), ("b", "payments"), ("a", "search")):
        setup.say(message, name)
    assert len(await setup.write()) == 3


async def test_after_a_while_the_same_words_are_news_again() -> None:
    setup = Setup()
    setup.say()
    await setup.write(events.REPEAT_SECONDS + 1)
    setup.say()
    assert len(await setup.write()) == 2


async def test_a_storm_is_written_slowly() -> None:
    setup = Setup()
    for number in range(50):
        setup.say(str(number))
    await setup.write()
    times = [when for when, _, _ in setup.posts.made]
    assert times[-1] - times[0] == pytest.approx(49 / events.PER_SECOND)


async def test_too_many_are_dropped_and_counted_and_memory_is_bounded() -> None:
    setup = Setup()
    for number in range(events.WAITING_LIMIT + 10):
        setup.say(str(number))
    assert setup.told.value("nsp_events_total", result="dropped") == 10
    assert len(setup.recorder._said) <= events.WAITING_LIMIT


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(NotFoundError("404"), id="the namespace is gone"),
        pytest.param(ClusterUnavailableError("503"), id="the API server is busy"),
    ],
)
async def test_one_that_cannot_be_written_is_dropped_and_the_next_is_written(failure: ClusterError) -> None:
    setup = Setup(failure)
    setup.say("a")
    setup.say("b")
    assert [event["message"] for event in await setup.write()] == ["b"]
    assert setup.told.value("nsp_events_total", result="dropped") == 1


async def test_stop_ends_it_and_leaves_no_task() -> None:
    setup = Setup()
    before = asyncio.all_tasks()
    run = asyncio.create_task(setup.recorder.run())
    await asyncio.sleep(1)
    setup.recorder.stop()
    await run
    assert asyncio.all_tasks() == before


async def test_after_a_cancellation_it_goes_on_in_another_term() -> None:
    setup = Setup()
    setup.say("a")
    await setup.write(5)
    setup.say("b")
    assert [event["message"] for event in await setup.write(5)] == ["a", "b"]
