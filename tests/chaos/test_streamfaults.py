"""Each fault does to a stream what its name says, as often as is allowed, and nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

import pytest

from tests.adapters.kube import faults
from tools.chaos import streamfaults
from tools.chaos.apiproxy import Cut, Seen
from tools.chaos.streamfaults import StreamFaults

A, B, C = (faults.event("MODIFIED", faults.manifest(name, version=5)) for name in "abc")
MARK = faults.bookmark(9)


def watch(**query: str) -> Seen:
    return Seen(0.0, "GET", "/api/v1/namespaces", {"watch": "true", **query}, "/api/v1/namespaces")


def passed(fault: StreamFaults, *lines: bytes) -> list[bytes]:
    """What comes of these lines; a cut connection is told by CUT as the last one."""

    async def source() -> AsyncGenerator[bytes]:
        for line in lines:
            yield line

    async def run() -> list[bytes]:
        found: list[bytes] = []
        try:
            async for line in fault.lines(watch(), source()):
                found.append(line)
        except Cut:
            found.append(CUT)
        return found

    return asyncio.run(run())


CUT = b"(cut)"
GONE = faults.gone()


@pytest.mark.parametrize(
    ("make", "first", "later"),
    [
        pytest.param(streamfaults.Expired, [MARK, GONE], [MARK, A, B], id="410"),
        pytest.param(streamfaults.Ended, [MARK], [MARK, A, B], id="ended"),
        pytest.param(streamfaults.CutLine, [MARK, A[: len(A) // 2], CUT], [MARK, A, B], id="cut in two"),
        pytest.param(streamfaults.Doubled, [MARK, A, A, B, B], [MARK, A, A, B, B], id="twice"),
    ],
)
def test_a_stream_is_spoiled_once(
    make: Callable[[], StreamFaults], first: Sequence[bytes], later: Sequence[bytes]
) -> None:
    fault = make()
    assert list(map(loaded, passed(fault, MARK, A, B))) == list(map(loaded, first))
    assert passed(fault, MARK, A, B) == later


def loaded(line: bytes) -> object:
    return json.loads(line) if line.endswith(b"\n") else line


def test_a_fault_can_be_allowed_again() -> None:
    fault = streamfaults.Ended()
    assert [passed(fault, A), passed(fault, A)] == [[], [A]]
    fault.again()
    assert [passed(fault, A), passed(fault, A)] == [[], [A]]


def test_what_is_no_event_comes_before_one() -> None:
    garbage, event = passed(streamfaults.Garbage(), A)
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(garbage)
    assert (garbage.endswith(b"\n"), event) == (True, A)


@pytest.mark.parametrize(
    ("make", "least", "most"),
    [
        pytest.param(streamfaults.Long, 1_400_000, 1_500_000, id="as long as etcd takes"),
        pytest.param(streamfaults.TooLong, 8 * 1024 * 1024, 10 * 1024 * 1024, id="longer than anybody reads"),
    ],
)
def test_a_long_event_says_nothing_else(make: Callable[[], StreamFaults], least: int, most: int) -> None:
    [line] = passed(make(), A)
    assert least < len(line) < most
    event = json.loads(line)
    del event["object"]["metadata"]["managedFields"]
    assert event == json.loads(A)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param([A, B], [B + A], id="two objects change places"),
        pytest.param([A, A, B], [A, B + A], id="two events of one object do not"),
        pytest.param([A, MARK, B], [A, MARK, B], id="none passes a bookmark"),
        pytest.param([A, B, C], [B + A, C], id="the last one is not held for ever"),
    ],
)
def test_events_change_places(lines: Sequence[bytes], found: Sequence[bytes]) -> None:
    assert passed(streamfaults.Swapped(), *lines) == found


def test_an_event_with_no_other_to_change_places_with_comes_nevertheless() -> None:
    fault = streamfaults.Swapped()

    async def source() -> AsyncGenerator[bytes]:
        yield A
        await asyncio.Event().wait()

    async def run() -> bytes:
        async with asyncio.timeout(20):
            return await anext(fault.lines(watch(), source()))

    assert asyncio.run(run()) == A


def test_silence_begins_with_an_event_and_is_remembered() -> None:
    fault = streamfaults.Silent()
    found: list[bytes] = []

    async def source() -> AsyncGenerator[bytes]:
        yield MARK
        yield A

    async def read() -> None:
        async for line in fault.lines(watch(), source()):
            found.append(line)

    async def run() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(read(), 0.2)

    asyncio.run(run())
    assert (found, list(fault.stalled)) == ([MARK], ["/api/v1/namespaces"])


WATCH_LIST = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
LIST = Seen(0.0, "GET", "/api/v1/namespaces", {"limit": "500"}, "/api/v1/namespaces")
NEXT_PAGE = Seen(0.0, "GET", "/api/v1/namespaces", {"limit": "500", "continue": "x"}, "/api/v1/namespaces")


@pytest.mark.parametrize(
    ("make", "seen", "statuses"),
    [
        pytest.param(streamfaults.Html503, watch(), [503, None], id="503 for the first watch"),
        pytest.param(streamfaults.Html503, LIST, [None, None], id="503 for no list"),
        pytest.param(streamfaults.NoWatchList, watch(**WATCH_LIST), [422, 422], id="no streamed list, ever"),
        pytest.param(streamfaults.NoWatchList, watch(), [None, None], id="a plain watch as usual"),
        pytest.param(streamfaults.PageExpired, LIST, [None, None], id="the first page of a list"),
        pytest.param(streamfaults.PageExpired, NEXT_PAGE, [410, None], id="410 for the next page"),
        pytest.param(
            streamfaults.WatchListIgnored, watch(**WATCH_LIST), [None, None], id="a streamed list not refused"
        ),
    ],
)
def test_a_request_is_refused(
    make: Callable[[], StreamFaults], seen: Seen, statuses: Sequence[int | None]
) -> None:
    fault = make()

    async def run() -> list[int | None]:
        answers = [await fault.before(seen), await fault.before(seen)]
        return [answer.status if answer is not None else None for answer in answers]

    assert asyncio.run(run()) == statuses


def test_a_server_that_does_not_know_streamed_lists_never_sees_the_parameters() -> None:
    asked = streamfaults.WatchListIgnored().query(watch(**WATCH_LIST))
    assert asked == {"watch": "true"}


def test_such_a_server_never_tells_the_end_of_what_there_is() -> None:
    end = MARK.replace(b'"creationTimestamp"', b'"annotations": {"k8s.io/initial-events-end": "true"}, "x"')
    assert json.loads(end)["object"]["metadata"]["annotations"]
    fault = streamfaults.WatchListIgnored()
    fault.hits["/api/v1/namespaces"] = 1
    assert passed(fault, A, end, MARK) == [A, MARK]


def test_lists_come_in_small_pages() -> None:
    assert streamfaults.NoWatchList().query(LIST) == {"limit": streamfaults.PAGE}
