"""Whatever an API server and the network do, in the end the store equals what the server has."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, Stream, bookmark, event, initial_end, manifest
from tests.adapters.kube.reflecting import PATH, Setup, short_pauses
from tests.controller.support import until
from webhook.adapters.kube import reflector as reflectors
from webhook.adapters.kube.store import Key
from webhook.adapters.kube.transport import Transport

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    short_pauses(monkeypatch)


@pytest.fixture
async def setup(server: FaultServer, transport: Transport) -> Setup:
    return Setup(server, transport)


@asynccontextmanager
async def watching(setup: Setup, *items: Any, version: int = 10) -> AsyncIterator[faults.Stream]:
    """The reflector after its first list, on a watch that the test feeds."""
    live = faults.Stream()
    setup.server.script("GET", PATH, faults.page(*items, version=version))
    setup.server.script("WATCH", PATH, live, faults.stream(then="hold"))
    async with setup.running():
        await asyncio.wait_for(live.opened.wait(), 10)
        yield live


async def test_the_first_list_is_read_over_all_its_pages_and_watched_from_its_version(setup: Setup) -> None:
    setup.server.script(
        "GET",
        PATH,
        faults.page(manifest("a", 3), manifest("b", 4), version=10, token="t"),
        faults.page(manifest("c", 5), version=10),
    )
    async with setup.running():
        await asyncio.wait_for(setup.reflector.synced.wait(), 10)
        assert setup.names() == ["a", "b", "c"]
        assert setup.changes == ["a", "b", "c"]
        await setup.until(lambda: setup.server.seen("WATCH"), "a watch begins")
    listed, paged = setup.server.seen("GET")
    assert listed.query["labelSelector"] == paged.query["labelSelector"] == "a=b"
    assert "resourceVersion" not in listed.query, "the first list is a consistent one"
    query = dict(setup.server.seen("WATCH")[0].query)
    low, high = reflectors.WATCH_SECONDS
    assert low <= int(query.pop("timeoutSeconds")) <= high
    assert query == {
        "labelSelector": "a=b",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "10",
    }


async def test_listed_objects_say_their_kind(setup: Setup) -> None:
    async with watching(setup, manifest("a")):
        found = setup.reflector.store.get(Key("", "a"))
        assert found is not None
        assert (found["apiVersion"], found["kind"]) == ("v1", "Namespace")


async def test_it_is_not_synced_before_the_last_page(setup: Setup) -> None:
    gate = asyncio.Event()
    setup.server.script(
        "GET",
        PATH,
        faults.page(manifest("a"), version=10, token="t"),
        faults.gated(gate, faults.page(manifest("b"), version=10)),
    )
    async with setup.running():
        await setup.until(lambda: len(setup.server.seen("GET")) == 2, "the first page is in")
        assert not setup.reflector.synced.is_set()
        assert setup.names() == [], "half a picture is none"
        gate.set()
        await asyncio.wait_for(setup.reflector.synced.wait(), 10)
        assert setup.names() == ["a", "b"]


async def test_events_add_change_and_remove(setup: Setup) -> None:
    async with watching(setup, manifest("a", 3)) as live:
        live.send(event("ADDED", manifest("b", 11)))
        await setup.has(a=3, b=11)
        live.send(event("MODIFIED", manifest("a", 12)))
        await setup.has(a=12, b=11)
        live.send(event("DELETED", manifest("a", 13)))
        await setup.has(b=11)
        assert setup.changes == ["a", "b", "a", "a"]


async def test_duplicate_events_are_not_news(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5)) as live:
        for version in (5, 11, 11):
            live.send(event("MODIFIED", manifest("a", version)))
        live.send(event("ADDED", manifest("a", 11)))
        live.send(event("ADDED", manifest("last", 12)))
        await setup.has(a=11, last=12)
        assert setup.changes == ["a", "a", "last"]


async def test_a_late_deletion_of_a_namesake_does_not_remove_the_one_that_came_after(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5, uid="old")) as live:
        setup.reflector.store.put(manifest("a", 13, uid="new"))  # the answer to our own write
        live.send(event("DELETED", manifest("a", 12, uid="old")))
        live.send(event("ADDED", manifest("last", 14)))
        await setup.has(a=13, last=14)


async def test_a_late_change_of_a_namesake_does_not_replace_the_one_that_came_after(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5, uid="old")) as live:
        setup.reflector.store.put(manifest("a", 13, uid="new"))
        live.send(event("MODIFIED", manifest("a", 11, uid="old")))
        live.send(event("ADDED", manifest("last", 14)))
        await setup.until(lambda: setup.version("last"), "all events were taken")
        assert setup.version("a") == "13"


async def test_an_object_re_created_between_two_lists_is_replaced(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5, uid="old")) as live:
        setup.server.script("GET", PATH, faults.page(manifest("a", 30, uid="new"), version=40))
        live.send(faults.gone())
        await setup.has(a=30)
        assert setup.changes == ["a", "a"]


async def test_the_answer_to_our_own_write_is_not_overwritten_by_an_older_event(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5)) as live:
        setup.reflector.store.put(manifest("a", 20))
        live.send(event("MODIFIED", manifest("a", 19)))
        live.send(event("ADDED", manifest("last", 21)))
        await setup.until(lambda: setup.version("last"), "all events were taken")
        assert setup.version("a") == "20"


async def test_the_event_of_our_own_write_is_not_news(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5)) as live:
        setup.reflector.store.put(manifest("a", 20))
        live.send(event("MODIFIED", manifest("a", 20)))
        live.send(event("ADDED", manifest("last", 21)))
        await setup.has(a=20, last=21)
        assert setup.changes == ["a", "last"]


async def test_the_next_watch_begins_where_the_last_one_ended(setup: Setup) -> None:
    setup.server.script("GET", PATH, faults.page(version=10))
    setup.server.script(
        "WATCH",
        PATH,
        faults.stream(event("ADDED", manifest("a", 11)), event("ADDED", manifest("b", 12))),
        faults.stream(bookmark(50)),
        faults.stream(event("DELETED", manifest("a", 61))),
        faults.stream(),
        faults.stream(then="hold"),
    )
    async with setup.running():
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 5, "five watches")
        assert setup.names() == ["b"]
    versions = [seen.query["resourceVersion"] for seen in setup.server.seen("WATCH")]
    assert versions == ["10", "12", "50", "61", "61"]
    assert len(setup.server.seen("GET")) == 1
    assert setup.restarts("ended") == 4
    assert setup.errors() == [], "a stream that ends is nothing to write about"


async def test_a_bookmark_is_no_object_and_no_news(setup: Setup) -> None:
    async with watching(setup, manifest("a", 5)) as live:
        live.send(bookmark(50))
        live.send(event("ADDED", manifest("last", 51)))
        await setup.has(a=5, last=51)
        assert setup.changes == ["a", "last"]


GONE_ANSWERS = [
    pytest.param(faults.stream(faults.gone(), then="hold"), id="inside a stream that began with 200"),
    pytest.param(faults.failure(410, "Expired", "too old resource version"), id="as an HTTP status"),
    pytest.param(
        faults.stream(event("ADDED", manifest("c", 11)), faults.gone(), then="hold"), id="after an event"
    ),
]


@pytest.mark.parametrize("answer", GONE_ANSWERS)
async def test_410_lists_again_and_removes_what_has_vanished(setup: Setup, answer: faults.Answer) -> None:
    setup.server.script(
        "GET",
        PATH,
        faults.page(manifest("a", 3), manifest("b", 4), version=10),
        faults.page(manifest("b", 22), version=30),
    )
    setup.server.script("WATCH", PATH, answer, faults.stream(then="hold"))
    async with setup.running():
        await setup.has(b=22)
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 2, "the watch is on again")
        assert setup.changes.count("a") == 2, "told of its coming and of its going"
        assert setup.changes.count("b") == 2
    assert [seen.query["resourceVersion"] for seen in setup.server.seen("WATCH")] == ["10", "30"]
    assert setup.restarts("expired") == 1
    assert setup.relists("expired") == 1


async def test_410_in_a_stream_closes_its_connection(setup: Setup) -> None:
    async with watching(setup, manifest("a", 3)) as live:
        live.send(faults.gone())
        await asyncio.wait_for(live.closed.wait(), 10)


async def test_what_the_second_list_has_unchanged_is_not_news(setup: Setup) -> None:
    setup.server.script("GET", PATH, faults.page(manifest("a", 3), version=10))
    setup.server.script("WATCH", PATH, faults.stream(faults.gone()), faults.stream(then="hold"))
    async with setup.running():
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 2, "listed again")
    assert setup.changes == ["a"]


async def test_410_on_a_page_has_the_list_read_in_one_piece_and_keeps_the_store_until_it_is_complete(
    setup: Setup,
) -> None:
    async with watching(setup, manifest("a", 3), manifest("b", 4)) as live:
        setup.server.script(
            "GET",
            PATH,
            faults.page(manifest("a", 3), version=20, token="t"),
            faults.failure(410, "Expired", "the provided continue parameter is too old"),
            faults.page(manifest("a", 3), manifest("c", 25), version=30),
        )
        live.send(faults.gone())
        await setup.has(a=3, c=25)
        assert setup.changes == ["a", "b", "b", "c"]
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 2, "the watch is on again")
        assert setup.server.seen("WATCH")[1].query["resourceVersion"] == "30"
        whole = setup.server.seen("GET")[3].query
        assert whole["limit"] == "0"
        assert "continue" not in whole
        assert setup.errors() == ["watch failed, trying again"], "the one that said 410"


WHOLE = event("ADDED", manifest("a", 11))
HALF = event("ADDED", manifest("b", 12))[:40]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.stream(WHOLE, HALF, then="cut"), id="a stream cut inside a line"),
        pytest.param(faults.stream(WHOLE, HALF + b"\n"), id="half an event with a newline"),
        pytest.param(faults.stream(WHOLE, b"<html>oops</html>\n"), id="a line of HTML"),
        pytest.param(faults.stream(WHOLE, b'"upstream error"\n'), id="a line that is a JSON text"),
        pytest.param(
            faults.stream(WHOLE, event("ERROR", faults.status(500, "InternalError", "etcd"))),
            id="an error event other than 410",
        ),
        pytest.param(faults.stream(WHOLE, then="cut"), id="a stream cut between lines"),
    ],
)
async def test_a_broken_stream_is_never_an_event_and_is_taken_up_after_the_last_whole_one(
    setup: Setup, answer: faults.Answer
) -> None:
    setup.server.script("GET", PATH, faults.page(version=10))
    setup.server.script("WATCH", PATH, answer, faults.stream(event("ADDED", manifest("c", 13)), then="hold"))
    async with setup.running():
        await setup.has(a=11, c=13)
    assert setup.changes == ["a", "c"]
    assert [seen.query["resourceVersion"] for seen in setup.server.seen("WATCH")] == ["10", "11"]
    assert len(setup.server.seen("GET")) == 1, "no new list"
    assert setup.restarts("error") == 1
    assert setup.errors() == ["watch failed, trying again"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.html(503), id="503 of a proxy"),
        pytest.param(faults.failure(429, "TooManyRequests", "slow down"), id="429"),
        pytest.param(faults.failure(401, "Unauthorized", "Unauthorized"), id="401"),
        pytest.param(faults.failure(403, "Forbidden", "cannot list"), id="403"),
        pytest.param(faults.failure(404, "NotFound", "no such resource"), id="404"),
        pytest.param(faults.failure(504, "Timeout", "Too large resource version"), id="504"),
        pytest.param(faults.raw(b"<html>"), id="200 that is HTML"),
        pytest.param(faults.cut_answer(), id="a cut"),
    ],
)
async def test_no_answer_to_a_list_or_a_watch_ends_the_reflector(setup: Setup, answer: faults.Answer) -> None:
    setup.server.script("GET", PATH, answer, answer, faults.page(manifest("a", 3), version=10))
    setup.server.script("WATCH", PATH, answer, answer, faults.stream(event("ADDED", manifest("b", 11))))
    async with setup.running():
        await setup.has(a=3, b=11)
    assert setup.restarts("error") >= 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="an object that is no list"),
        pytest.param(b'{"metadata": {"resourceVersion": "1"}, "items": null}', id="items that are null"),
        pytest.param(b'{"metadata": {"resourceVersion": "1"}, "items": [{}]}', id="an item without a name"),
        pytest.param(
            b'{"metadata": {"resourceVersion": "1"}, "items": [{"metadata": []}]}',
            id="an item whose metadata is a list",
        ),
    ],
)
async def test_no_json_in_place_of_a_list_ends_the_reflector(setup: Setup, body: bytes) -> None:
    """A proxy's "200 {}" must not take the process down."""
    setup.server.script("GET", PATH, faults.raw(body), faults.page(manifest("a", 3), version=10))
    async with setup.running():
        await setup.has(a=3)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"metadata": {"name": "x"}}, id="an object without uid and version"),
        pytest.param({"kind": "Status", "message": "?"}, id="a status"),
    ],
)
async def test_no_json_in_place_of_an_event_ends_the_reflector(setup: Setup, content: Any) -> None:
    setup.server.script("GET", PATH, faults.page(version=10))
    line = json.dumps({"type": "ADDED", "object": content}).encode() + b"\n"
    setup.server.script(
        "WATCH", PATH, faults.stream(line), faults.stream(event("ADDED", manifest("a", 11)), then="hold")
    )
    async with setup.running():
        await setup.has(a=11)
    assert setup.relists("odd") == 1, "what came of it is unknown"


async def test_cancelling_the_reflector_closes_its_connection_and_leaves_no_task(setup: Setup) -> None:
    before = asyncio.all_tasks()
    async with watching(setup) as live:
        pass
    await asyncio.wait_for(live.closed.wait(), 10)
    await until(lambda: _ours(asyncio.all_tasks() - before) == set(), "no task is left")


def _ours(tasks: set[asyncio.Task[Any]]) -> set[str]:
    """Without the fault server's own."""
    return {task.get_name() for task in tasks if "aiohttp/web" not in repr(task)}


@pytest.mark.parametrize("streamed", [False, True], ids=["listed", "with initial events"])
@pytest.mark.parametrize("end", ["end", "cut"])
async def test_after_the_server_was_restored_from_a_backup_the_store_is_what_it_has(
    setup: Setup, streamed: bool, end: str
) -> None:
    """Its versions are lower than ours: what changed since the backup never was, and what we know of
    the time after it is wrong, our own answers as well."""
    lost = [event("MODIFIED", manifest("a", 15)), event("ADDED", manifest("lost", 16))]
    setup.server.script("GET", PATH, faults.page(manifest("a", 3), manifest("back", 4), version=10))
    broken = Stream()
    setup.server.script("WATCH", PATH, broken, faults.stream(then="hold"))
    async with setup.running():
        for line in (*lost, event("DELETED", manifest("back", 17)), event("ADDED", manifest("same", 18))):
            broken.send(line)
        await setup.has(a=15, lost=16, same=18)
        setup.reflector.wrote(manifest("a", 19))
        before = len(setup.deltas)
        after = (manifest("a", 12), manifest("back", 4), manifest("same", 11))
        setup.server.script("PROBE", PATH, faults.page(version=14))
        setup.server.script("GET", PATH, faults.page(*after, version=14))
        if streamed:
            setup.reflector._paged_until = 0.0
            added = [event("ADDED", it) for it in after]
            setup.server.script("WATCHLIST", PATH, faults.stream(*added, initial_end(14), then="hold"))
        broken.finish(cut=end == "cut")
        await setup.has(a=12, back=4, same=11)
    assert sorted(setup.changes[before:]) == ["a", "back", "lost", "same"]
    assert setup.relists("rewound") == 1
    assert streamed or setup.server.seen("WATCH")[-1].query["resourceVersion"] == "14"


async def test_after_a_rewinding_later_versions_count_as_ever(setup: Setup) -> None:
    setup.server.script(
        "GET", PATH, faults.page(manifest("a", 90), version=100), faults.page(manifest("a", 40), version=50)
    )
    setup.server.script(
        "WATCH", PATH, faults.stream(), faults.stream(event("MODIFIED", manifest("a", 51)), then="hold")
    )
    setup.server.script("PROBE", PATH, faults.page(version=50))
    async with setup.running():
        await setup.has(a=51)
    assert len(setup.server.seen("GET")) == 2


async def test_a_server_that_goes_on_is_not_listed_again(setup: Setup) -> None:
    setup.server.script("GET", PATH, faults.page(manifest("a", 3), version=10))
    setup.server.script("PROBE", PATH, faults.page(version=10))
    setup.server.script("WATCH", PATH, faults.stream(), faults.stream(then="cut"), faults.stream(then="hold"))
    async with setup.running():
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 3, "three watches")
    assert len(setup.server.seen("GET")) == 1
    assert len(setup.server.seen("PROBE")) == 2
    assert setup.server.seen("PROBE")[0].query["labelSelector"] == "a=b"


async def test_an_answer_of_ours_that_is_newer_than_a_list_is_kept_and_one_that_is_older_is_not(
    setup: Setup,
) -> None:
    async with watching(setup, manifest("a", 5), manifest("b", 6)) as live:
        gate = asyncio.Event()
        items = (manifest("a", 5), manifest("b", 15))
        setup.server.script("GET", PATH, faults.gated(gate, faults.page(*items, version=20)))
        live.send(faults.gone())
        await setup.until(lambda: len(setup.server.seen("GET")) == 2, "listing again")
        for name, version in (("a", 21), ("b", 14), ("deleted", 16), ("new", 22)):
            setup.reflector.wrote(manifest(name, version))
        gate.set()
        await setup.has(a=21, b=15, new=22)
        assert sorted(setup.changes[2:]) == ["a", "b", "deleted", "new"], "all of them may have hidden news"


TOO_LARGE = faults.status(
    504, "Timeout", "Too large resource version", details={"causes": [{"reason": "ResourceVersionTooLarge"}]}
)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.raw(json.dumps(TOO_LARGE).encode(), code=504), id="as an HTTP status"),
        pytest.param(faults.stream(event("ERROR", TOO_LARGE), then="hold"), id="inside a stream"),
    ],
)
async def test_a_version_that_the_server_has_not_seen_is_given_up(
    setup: Setup, answer: faults.Answer
) -> None:
    setup.server.script(
        "GET", PATH, faults.page(manifest("a", 3), version=10), faults.page(manifest("a", 4), version=12)
    )
    setup.server.script("WATCH", PATH, answer, faults.stream(then="hold"))
    async with setup.running():
        await setup.has(a=4)
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 2, "the watch is on again")
    assert "resourceVersion" not in setup.server.seen("GET")[1].query
    assert setup.server.seen("WATCH")[1].query["resourceVersion"] == "12"
    assert setup.relists("too-large") == 1


@pytest.mark.parametrize("drip", [b"", b'{"type": "ADDED", '], ids=["no byte", "a byte now and then"])
async def test_a_stream_without_a_whole_event_is_left_and_taken_up_again(
    setup: Setup, drip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflectors, "WATCH_SILENCE_SECONDS", 0.2)

    async def dripping(live: faults.Stream) -> None:
        for byte in itertools.cycle(drip):
            live.send(bytes([byte]))
            await asyncio.sleep(0.02)

    async with watching(setup, manifest("a", 3)) as live:
        dropping = asyncio.create_task(dripping(live))
        await asyncio.wait_for(live.closed.wait(), 10)
        dropping.cancel()
        await setup.until(lambda: len(setup.server.seen("WATCH")) == 2, "the watch is on again")
    assert setup.restarts("error") >= 1
    assert len(setup.server.seen("GET")) == 1


async def test_what_is_seen_at_first_is_low_and_what_changes_is_not(setup: Setup) -> None:
    async with watching(setup, manifest("a", 3)) as live:
        live.send(event("ADDED", manifest("b", 11)))
        await setup.has(a=3, b=11)
        setup.server.script("GET", PATH, faults.page(manifest("a", 3), manifest("b", 12), version=20))
        live.send(faults.gone())
        await setup.has(a=3, b=12)
    assert [(delta.key.name, delta.low) for delta in setup.deltas] == [
        ("a", True),
        ("b", False),
        ("b", False),
    ]


async def test_a_metric_says_how_many_objects_are_known(setup: Setup) -> None:
    async with watching(setup, manifest("a", 3), manifest("b", 4)) as live:
        assert setup.told.value("nsp_store_objects", kind="Namespace") == 2
        live.send(event("DELETED", manifest("a", 11)))
        await setup.has(b=4)
        assert setup.told.value("nsp_store_objects", kind="Namespace") == 1


FAULTS: list[Callable[[int], faults.Answer]] = [
    lambda _: faults.html(503),
    lambda _: faults.failure(410, "Expired", "x"),
    lambda _: faults.failure(429, "TooManyRequests", "x", Retry_After="0"),
    lambda _: faults.stream(),
    lambda _: faults.stream(faults.gone()),
    lambda version: faults.stream(bookmark(version)),
    lambda _: faults.stream(HALF, then="cut"),
    lambda _: faults.stream(b"what?\n"),
]


@pytest.mark.parametrize("streamed", [False, True], ids=["listed", "with initial events"])
@pytest.mark.parametrize("order", range(6))
async def test_through_any_sequence_of_faults_the_store_ends_up_as_the_server(
    setup: Setup, order: int, streamed: bool
) -> None:
    """Objects come, change and go behind our back; between the faults one whole event each."""
    sequence = next(itertools.islice(itertools.permutations(FAULTS), order * 997, None))
    state = dict.fromkeys("abc", 5)
    answers: list[faults.Answer] = []
    for version, fault in enumerate(sequence, start=20):
        state = {**state, "abc"[version % 3]: version}
        answers += [fault(19), faults.stream(event("MODIFIED", manifest("abc"[version % 3], version)))]
    server_has = [manifest(name, version) for name, version in state.items()]
    setup.server.script(
        "GET",
        PATH,
        faults.page(manifest("a", 5), manifest("gone", 6), version=10),
        faults.html(),
        faults.page(*server_has, version=40),
    )
    setup.server.script("WATCH", PATH, *answers, faults.stream(then="hold"))
    if streamed:
        added = [event("ADDED", it) for it in server_has]
        setup.server.script("WATCHLIST", PATH, faults.stream(*added, initial_end(40)))
    async with setup.running():
        await setup.has(**state)
        await setup.until(
            lambda: len(setup.server.seen("WATCH")) == len(answers) + 1, "all faults are behind us"
        )
        await setup.has(**state)
