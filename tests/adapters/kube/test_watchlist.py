"""A reflector begins with a watch's initial events, and with a list wherever that does not work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, Stream, bookmark, event, initial_end, manifest
from tests.adapters.kube.reflecting import PATH, Setup, short_pauses
from webhook.adapters.kube import reflector as reflectors
from webhook.adapters.kube import watchlist
from webhook.adapters.kube.store import Key
from webhook.adapters.kube.transport import Transport

pytestmark = pytest.mark.anyio

A, B = event("ADDED", manifest("a", 3)), event("ADDED", manifest("b", 4))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    short_pauses(monkeypatch)


@pytest.fixture
async def setup(server: FaultServer, transport: Transport) -> Setup:
    return Setup(server, transport)


@asynccontextmanager
async def begun(setup: Setup, *pieces: bytes, version: int = 10) -> AsyncIterator[Stream]:
    """The reflector after initial events of these; the test feeds what comes after."""
    live = Stream()
    for piece in (*pieces, initial_end(version)):
        live.send(piece)
    setup.server.script("WATCHLIST", PATH, live, faults.stream(then="hold"))
    async with setup.running():
        await asyncio.wait_for(setup.reflector.synced.wait(), 10)
        yield live


async def test_everything_comes_with_one_request_that_goes_on_as_the_watch(setup: Setup) -> None:
    async with begun(setup, A, B) as live:
        assert setup.names() == ["a", "b"]
        live.send(event("MODIFIED", manifest("a", 11)))
        live.send(event("DELETED", manifest("b", 12)))
        await setup.has(a=11)
    assert [seen.verb for seen in setup.server.requests] == ["WATCHLIST"]
    query = dict(setup.server.requests[0].query)
    low, high = reflectors.WATCH_SECONDS
    assert low <= int(query.pop("timeoutSeconds")) <= high
    assert query == {
        "labelSelector": "a=b",
        "watch": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }


async def test_the_store_stays_as_it_is_until_the_initial_events_have_ended(setup: Setup) -> None:
    live = Stream()
    setup.server.script("WATCHLIST", PATH, live)
    async with setup.running():
        live.send(A)
        await asyncio.wait_for(live.opened.wait(), 10)
        assert not setup.reflector.synced.is_set()
        assert setup.names() == []
        live.send(initial_end(10))
        await asyncio.wait_for(setup.reflector.synced.wait(), 10)
        assert setup.names() == ["a"]


async def test_changes_among_the_initial_events_count(setup: Setup) -> None:
    changes = [event("MODIFIED", manifest("a", 5)), event("DELETED", manifest("b", 6))]
    async with begun(setup, A, B, *changes):
        assert setup.names() == ["a"]
        assert setup.version("a") == "5"


async def test_the_next_watch_begins_where_this_one_ended(setup: Setup) -> None:
    setup.server.script("WATCH", PATH, faults.stream(then="hold"))
    async with begun(setup, A, version=10) as live:
        live.send(event("ADDED", manifest("c", 17)))
        live.finish()
        await setup.until(lambda: setup.server.seen("WATCH"), "a watch begins")
    assert setup.server.seen("WATCH")[0].query["resourceVersion"] == "17"
    assert len(setup.server.seen("WATCHLIST")) == 1


async def test_when_a_version_has_expired_everything_comes_anew_and_what_is_gone_goes(setup: Setup) -> None:
    first = faults.stream(A, B, initial_end(10), faults.gone(), then="hold")
    second = faults.stream(event("ADDED", manifest("b", 22)), initial_end(30), then="hold")
    setup.server.script("WATCHLIST", PATH, first, second)
    async with setup.running():
        await setup.has(b=22)
    assert setup.server.seen("GET") == []
    assert setup.relists("expired") == 1
    assert [(delta.key.name, delta.low) for delta in setup.deltas] == [
        ("a", True),
        ("b", True),
        ("a", False),
        ("b", False),
    ]
    gone = setup.deltas[2].before
    assert gone is not None
    assert gone["metadata"]["resourceVersion"] == "3", "its last known state is told"


IMPOSSIBLE = [
    pytest.param(faults.failure(400, "BadRequest", "unknown query parameter"), id="400 of an old server"),
    pytest.param(faults.failure(422, "Invalid", "sendInitialEvents: Forbidden"), id="422 of an old server"),
    pytest.param(faults.failure(500, "InternalError", "etcd is too old"), id="500 of a server with old etcd"),
    pytest.param(faults.failure(403, "Forbidden", "cannot watch"), id="403"),
    pytest.param(faults.failure(410, "Expired", "too old"), id="410"),
    pytest.param(faults.failure(504, "Timeout", "Too large resource version"), id="504"),
    pytest.param(faults.html(503), id="503 of a proxy"),
    pytest.param(faults.cut_answer(), id="a cut at once"),
    pytest.param(faults.stream(), id="an end at once"),
    pytest.param(faults.stream(A, then="cut"), id="a cut before the end of the initial events"),
    pytest.param(faults.stream(A, B[:40], then="cut"), id="a cut inside a line"),
    pytest.param(faults.stream(A), id="an end before that of the initial events"),
    pytest.param(faults.stream(A, b"<html>\n"), id="a line of HTML"),
    pytest.param(faults.stream(A, faults.gone()), id="an error event"),
    pytest.param(faults.stream(A, event("ADDED", {}), initial_end(9)), id="an event of nothing"),
    pytest.param(faults.stream(A, bookmark(9), then="hold"), id="a bookmark of a server that ignores it"),
    pytest.param(faults.stream(A, then="hold"), id="silence of a server that ignores it"),
    pytest.param(faults.silence(), id="no answer at all"),
]


@pytest.mark.parametrize("answer", IMPOSSIBLE)
async def test_where_initial_events_do_not_work_a_list_does(
    setup: Setup, answer: faults.Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchlist, "SILENCE_SECONDS", 0.1)
    setup.server.script("WATCHLIST", PATH, answer)
    setup.server.script("GET", PATH, faults.page(manifest("c", 7), version=10))
    live = Stream()
    setup.server.script("WATCH", PATH, faults.stream(faults.gone()), live)
    async with setup.running():
        await setup.has(c=7)
        await asyncio.wait_for(live.opened.wait(), 10)
        assert setup.names() == ["c"]
    assert [delta.key.name for delta in setup.deltas] == ["c"], "what the broken stream told is not believed"
    assert len(setup.server.seen("WATCHLIST")) == 1, "after the second list it was not tried again"
    assert len(setup.server.seen("GET")) == 2
    assert "no initial events, listed instead" in [line["message"] for line in setup.told.lines()]


async def test_initial_events_without_an_end_are_given_up_however_lively(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ignores the parameters sends what changes, too: a busy kind is never silent."""
    monkeypatch.setattr(watchlist, "TOTAL_SECONDS", 0.3)
    live = Stream()
    setup.server.script("WATCHLIST", PATH, live)
    setup.server.script("GET", PATH, faults.page(manifest("c", 7), version=10))

    async def chatter() -> None:
        for version in range(20, 10_000):
            live.send(event("MODIFIED", manifest("a", version)))
            await asyncio.sleep(0.01)

    async with setup.running():
        chattering = asyncio.create_task(chatter())
        await setup.has(c=7)
        chattering.cancel()
    assert live.closed.is_set()


async def test_a_server_that_is_down_does_not_spoil_initial_events(setup: Setup) -> None:
    """Neither works, so nothing is known about one of them."""
    end = faults.stream(A, initial_end(10), then="hold")
    setup.server.script("WATCHLIST", PATH, faults.html(503), faults.html(503), end)
    setup.server.script("GET", PATH, faults.html(503))
    async with setup.running():
        await setup.has(a=3)
    assert len(setup.server.seen("GET")) == 2


async def test_who_is_asked_to_wait_does_not_ask_otherwise(setup: Setup) -> None:
    busy = faults.failure(429, "TooManyRequests", "slow down", Retry_After="1")
    setup.server.script("WATCHLIST", PATH, busy, faults.stream(A, initial_end(10), then="hold"))
    async with setup.running():
        await setup.has(a=3)
    assert [seen.verb for seen in setup.server.requests] == ["WATCHLIST", "WATCHLIST"]


async def test_an_answer_of_ours_that_is_newer_than_the_initial_events_survives_them(setup: Setup) -> None:
    live = Stream()
    setup.server.script("WATCHLIST", PATH, live)
    async with setup.running():
        await asyncio.wait_for(live.opened.wait(), 10)
        setup.reflector.wrote(manifest("mine", 11))
        setup.reflector.wrote(manifest("a", 12))
        live.send(A)
        live.send(initial_end(10))
        await setup.has(a=12, mine=11)


@pytest.mark.parametrize("kept", [{"name": "a", "version": 3}, {"name": "a", "version": 3, "uid": "other"}])
async def test_the_same_name_and_version_is_no_news_only_if_all_the_rest_is_the_same(
    setup: Setup, kept: dict[str, Any]
) -> None:
    again = faults.stream(event("ADDED", manifest(**kept)), initial_end(10), then="hold")
    setup.server.script("WATCHLIST", PATH, faults.stream(A, initial_end(10), faults.gone()), again)
    async with setup.running():
        await setup.until(lambda: len(setup.server.seen("WATCHLIST")) == 2, "asked again")
        await setup.until(lambda: setup.relists("expired"), "all is in")
        found = setup.reflector.store.get(Key("", "a"))
    assert found == manifest(**kept)
    assert len(setup.deltas) == (2 if "uid" in kept else 1)
