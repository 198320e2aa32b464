"""How often a reflector asks, in virtual time: never a storm, and never blind for long."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from tests.adapters.kube.faults import manifest, status
from tests.adapters.kube.scripted import ScriptedTransport
from tests.controller import virtualtime
from tests.controller.support import Told, running
from webhook.adapters.kube import reflector as reflectors
from webhook.adapters.kube import resources
from webhook.adapters.kube.reflector import Reflector
from webhook.adapters.kube.transport import WATCH_SILENCE_SECONDS
from webhook.core.errors import ClusterError, ClusterUnavailableError, ExpiredError, RejectedError
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

NOTHING: tuple[Manifest, ...] = ()
LIST = [{"metadata": {"resourceVersion": "10"}, "items": [manifest("a", 3)]}]


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


async def reflect(transport: ScriptedTransport, *, seconds: float) -> Told:
    told = Told()
    reflector = Reflector(
        transport,
        resources.NAMESPACES,
        selector="a=b",
        on_change=lambda _: None,
        metrics=told.metrics,
        log=told.log,
    )
    async with running(reflector.run()):
        await asyncio.sleep(seconds)
        return told


async def ends_at_once() -> AsyncGenerator[Manifest]:
    for event in NOTHING:
        yield event


def fails(error: ClusterError, *, after: float = 0.0) -> AsyncGenerator[Manifest]:
    async def watch() -> AsyncGenerator[Manifest]:
        await asyncio.sleep(after)
        for event in NOTHING:
            yield event
        raise error

    return watch()


async def silent() -> AsyncGenerator[Manifest]:
    await asyncio.Event().wait()
    for event in NOTHING:
        yield event


async def lively(seconds: float) -> AsyncGenerator[Manifest]:
    """A bookmark each minute, and after `seconds` a cut."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() + 60 < end:
        await asyncio.sleep(60)
        yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "10"}}}
    await asyncio.sleep(end - loop.time())
    raise ClusterUnavailableError("the API server cannot be reached: cut")


async def expires_in_the_stream() -> AsyncGenerator[Manifest]:
    yield {"type": "ERROR", "object": status(410, "Expired", "too old resource version")}


async def test_a_server_that_closes_at_once_is_not_stormed() -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=ends_at_once)
    await reflect(transport, seconds=60)
    assert len(transport.times["list"]) == 1
    assert min(transport.pauses("watch")) >= reflectors.RECONNECT_SECONDS - 1e-6
    assert len(transport.times["watch"]) <= 60 / reflectors.RECONNECT_SECONDS + 1


AWAY, LONGEST = reflectors.AWAY_LIMIT_SECONDS, reflectors.ERROR_LIMIT_SECONDS


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        pytest.param(ClusterUnavailableError("cannot be reached"), AWAY, id="a server that is away"),
        pytest.param(ClusterUnavailableError("503 Unknown: <html>", code=503), AWAY, id="one that is down"),
        pytest.param(
            RejectedError("403 Forbidden", code=403), AWAY, id="one that is starting, or refuses us"
        ),
        pytest.param(ClusterUnavailableError("500", code=500), LONGEST, id="one that is broken"),
    ],
)
async def test_errors_back_off_up_to_the_limit(error: ClusterError, limit: float) -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=lambda: fails(error))
    await reflect(transport, seconds=600)
    pauses = transport.pauses("watch")
    assert pauses[0] >= reflectors.ERROR_BASE_SECONDS / 2
    assert all(pause <= limit + 1e-6 for pause in pauses)
    assert all(pause >= limit / 2 - 1e-6 for pause in pauses[6:])
    assert len(pauses) < 2 * 600 / limit + 20


async def test_a_list_that_fails_backs_off_as_well() -> None:
    def refuse() -> list[Manifest]:
        raise ClusterUnavailableError("503", code=503)

    transport = ScriptedTransport(lists=refuse, watch=ends_at_once)
    await reflect(transport, seconds=600)
    assert len(transport.times["list"]) < 2 * 600 / AWAY
    assert transport.times["watch"] == []


async def test_retry_after_is_a_least_pause() -> None:
    slow = ClusterUnavailableError("429", code=429, retry_after=7)
    transport = ScriptedTransport(lists=lambda: LIST, watch=lambda: fails(slow))
    await reflect(transport, seconds=100)
    assert min(transport.pauses("watch")) >= 7


Watch = Callable[[], AsyncGenerator[Manifest]]


@pytest.mark.parametrize(
    "expired",
    [
        pytest.param(expires_in_the_stream, id="in the stream"),
        pytest.param(lambda: fails(ExpiredError("410", code=410)), id="as an HTTP status"),
    ],
)
async def test_a_server_whose_every_version_has_expired_is_not_stormed_with_lists(expired: Watch) -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=expired)
    await reflect(transport, seconds=600)
    assert len(transport.times["list"]) < 60


async def test_a_single_410_is_answered_with_a_list_at_once() -> None:
    watches = iter([fails(ExpiredError("410", code=410), after=60)])
    transport = ScriptedTransport(lists=lambda: LIST, watch=lambda: next(watches, None) or silent())
    await reflect(transport, seconds=500)
    assert transport.times["list"][1] < 60 + 2 * reflectors.RECONNECT_SECONDS


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(300.0, id="a balancer that cuts every stream after five minutes"),
        pytest.param(65.0, id="a balancer that cuts every quiet stream"),
    ],
)
async def test_streams_that_break_after_long_health_are_taken_up_again_soon(seconds: float) -> None:
    """Only failures in a row count: otherwise the reflector is blind for half a minute each time."""
    transport = ScriptedTransport(lists=lambda: LIST, watch=lambda: lively(seconds))
    await reflect(transport, seconds=20 * seconds)
    assert max(transport.pauses("watch")) <= seconds + 2


async def test_a_silent_stream_is_noticed_within_75_seconds_and_costs_no_list() -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=silent)
    told = await reflect(transport, seconds=1000)
    assert WATCH_SILENCE_SECONDS <= max(transport.pauses("watch")) <= 75
    assert len(transport.times["list"]) == 1
    assert told.value("nsp_relists_total", kind="Namespace", reason="rewound") == 0


async def test_a_silent_stream_of_a_server_that_was_restored_from_a_backup_is_listed_anew() -> None:
    """A server keeps silent on a watch from a version that it has yet to come to."""
    transport = ScriptedTransport(lists=lambda: LIST, watch=silent, version=lambda: 9)
    told = await reflect(transport, seconds=WATCH_SILENCE_SECONDS + 5)
    assert len(transport.times["list"]) == 2
    assert told.value("nsp_relists_total", kind="Namespace", reason="rewound") == 1


@pytest.mark.parametrize("seconds", [61.0, 69.0, 71.0])
async def test_a_metric_says_how_long_ago_the_server_spoke(seconds: float) -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=lambda: lively(70.5))
    told = await reflect(transport, seconds=seconds)
    silent_for = told.value("nsp_watch_silence_seconds", kind="Namespace")
    assert silent_for == pytest.approx(seconds - 60 if seconds < 70 else 11, abs=0.5)


async def test_a_lively_stream_is_not_left() -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=lambda: lively(600))
    await reflect(transport, seconds=599)
    assert len(transport.times["watch"]) == 1


async def test_initial_events_that_do_not_work_are_tried_again_after_a_while() -> None:
    transport = ScriptedTransport(lists=lambda: LIST, watch=expires_in_the_stream)
    await reflect(transport, seconds=2 * reflectors.PAGED_SECONDS - 10)
    assert len(transport.times["initial"]) == 2
    assert transport.times["initial"][1] >= reflectors.PAGED_SECONDS


async def test_a_server_that_is_down_is_not_stormed_for_initial_events_and_lists() -> None:
    def refuse() -> list[Manifest]:
        raise ClusterUnavailableError("503", code=503)

    def refuse_events() -> AsyncGenerator[Manifest]:
        return fails(ClusterUnavailableError("503", code=503))

    transport = ScriptedTransport(lists=refuse, watch=silent, initial=refuse_events)
    await reflect(transport, seconds=600)
    assert len(transport.times["initial"]) == len(transport.times["list"]) < 2 * 600 / AWAY


async def test_initial_events_that_expire_at_once_are_not_a_storm() -> None:
    async def expiring() -> AsyncGenerator[Manifest]:
        end = {"k8s.io/initial-events-end": "true"}
        yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "10", "annotations": end}}}
        yield {"type": "ERROR", "object": status(410, "Expired", "too old resource version")}

    transport = ScriptedTransport(lists=lambda: LIST, watch=silent, initial=expiring)
    told = await reflect(transport, seconds=600)
    assert 20 < len(transport.times["initial"]) < 60
    assert transport.times["list"] == transport.times["watch"] == []
    assert told.value("nsp_relists_total", kind="Namespace", reason="expired") > 20


async def test_a_stream_that_ended_well_clears_the_failures() -> None:
    watches = 0

    def watch() -> AsyncGenerator[Manifest]:
        nonlocal watches
        watches += 1
        return ends_at_once() if watches % 5 == 0 else fails(ClusterUnavailableError("503"))

    transport = ScriptedTransport(lists=lambda: LIST, watch=watch)
    await reflect(transport, seconds=300)
    assert max(transport.pauses("watch")) <= reflectors.ERROR_BASE_SECONDS * 8 + 1e-6


async def test_an_expired_version_after_other_trouble_is_mended_at_once() -> None:
    """As after an outage: nobody there for a while, and then a server that has forgotten our version."""
    away = ClusterUnavailableError("the API server cannot be reached")
    answers = iter([*[lambda: fails(away)] * 12, expires_in_the_stream])

    def watch() -> AsyncGenerator[Manifest]:
        return next(answers, silent)()

    transport = ScriptedTransport(lists=lambda: LIST, watch=watch)
    await reflect(transport, seconds=120)
    back = transport.times["watch"][12]
    assert transport.times["list"][-1] - back == pytest.approx(reflectors.RECONNECT_SECONDS, abs=0.01)
