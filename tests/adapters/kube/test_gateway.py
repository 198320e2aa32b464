"""The API role's view of namespaces: it waits for `Provisioned`, and asks no more often than needed."""

import asyncio

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, conditioned, event, manifest
from tests.controller.support import until
from webhook.adapters.kube.gateway import NamespaceGateway
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import ConflictError, NotFoundError
from webhook.core.model import Condition, ConditionStatus, Manifest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/namespaces"
ONE = f"{PATH}/payments"
LONG = 20.0

READY = Condition(ConditionStatus.TRUE, "BundleComplete", "")
BLOCKED = Condition(ConditionStatus.FALSE, "ForeignObject", "")


def new(version: int = 10) -> Manifest:
    return manifest(version=version)


def ready(version: int = 20) -> Manifest:
    return conditioned(manifest(version=version), "True", "BundleComplete")


def blocked(version: int = 15) -> Manifest:
    return conditioned(manifest(version=version), "False", "ForeignObject")


@pytest.fixture
def gateway(transport: Transport) -> NamespaceGateway:
    return NamespaceGateway(transport)


async def test_create_posts_to_the_collection(server: FaultServer, gateway: NamespaceGateway) -> None:
    server.script("POST", PATH, faults.ok(new(), code=201))
    assert await gateway.create(manifest()) == new()
    assert server.requests[0].body == manifest()


async def test_create_of_one_that_exists_is_a_conflict(
    server: FaultServer, gateway: NamespaceGateway
) -> None:
    server.script("POST", PATH, faults.failure(409, "AlreadyExists", "exists"))
    with pytest.raises(ConflictError) as raised:
        await gateway.create(manifest())
    assert raised.value.reason == "AlreadyExists"


async def test_get(server: FaultServer, gateway: NamespaceGateway) -> None:
    server.script("GET", ONE, faults.ok(new()))
    assert await gateway.get("payments") == new()
    with pytest.raises(NotFoundError):
        await gateway.get("search")


async def test_one_that_is_provisioned_already_is_not_watched(
    server: FaultServer, gateway: NamespaceGateway
) -> None:
    server.script("GET", ONE, faults.ok(ready()))
    assert await gateway.wait_provisioned("payments", seconds=LONG) == READY
    assert server.seen("WATCH") == []


async def test_one_that_becomes_provisioned_is_seen_by_the_watch_which_is_then_closed(
    server: FaultServer, gateway: NamespaceGateway
) -> None:
    live = faults.Stream()
    server.script("GET", ONE, faults.ok(new()))
    server.script("WATCH", PATH, live)
    waiting = asyncio.create_task(gateway.wait_provisioned("payments", seconds=LONG))
    await asyncio.wait_for(live.opened.wait(), 10)
    for content in (manifest(version=11), blocked(12), ready(13)):
        live.send(event("MODIFIED", content))
    assert await waiting == READY
    await asyncio.wait_for(live.closed.wait(), 10)
    query = server.seen("WATCH")[0].query
    assert query["fieldSelector"] == "metadata.name=payments"
    assert query["resourceVersion"] == "10", "from what was looked at: nothing is missed in between"


BREAKS = [
    pytest.param(faults.stream(), id="ends"),
    pytest.param(faults.stream(faults.gone()), id="says 410"),
    pytest.param(faults.stream(event("MODIFIED", blocked())[:30]), id="ends inside a line"),
    pytest.param(faults.stream(event("MODIFIED", blocked())[:30], then="cut"), id="is cut"),
    pytest.param(faults.failure(410, "Expired", "too old"), id="is refused with 410"),
    pytest.param(faults.html(503), id="is refused by a proxy"),
    pytest.param(faults.failure(429, "TooManyRequests", "slow"), id="is refused with 429"),
]


@pytest.mark.parametrize("answer", BREAKS)
async def test_after_a_watch_that_breaks_the_namespace_is_looked_at_again(
    server: FaultServer, gateway: NamespaceGateway, answer: faults.Answer
) -> None:
    """The namespace was made: trouble with waiting for it is no reason to answer with an error."""
    server.script("GET", ONE, faults.ok(new()), faults.ok(ready()))
    server.script("WATCH", PATH, answer)
    assert await gateway.wait_provisioned("payments", seconds=LONG) == READY


async def test_a_second_look_that_fails_is_tried_again(
    server: FaultServer, gateway: NamespaceGateway
) -> None:
    server.script("GET", ONE, faults.ok(new()), faults.html(503), faults.ok(ready()))
    server.script("WATCH", PATH, faults.stream())
    assert await gateway.wait_provisioned("payments", seconds=LONG) == READY


async def test_the_second_watch_begins_where_the_second_look_was(
    server: FaultServer, gateway: NamespaceGateway
) -> None:
    server.script("GET", ONE, faults.ok(new(10)), faults.ok(blocked(15)))
    server.script("WATCH", PATH, faults.stream(), faults.stream(event("MODIFIED", ready(16)), then="hold"))
    assert await gateway.wait_provisioned("payments", seconds=LONG) == READY
    assert [seen.query["resourceVersion"] for seen in server.seen("WATCH")] == ["10", "15"]


@pytest.mark.parametrize(
    ("first", "events", "expected"),
    [
        pytest.param(new(), (), None, id="none where there is none yet"),
        pytest.param(blocked(), (), BLOCKED, id="what it was at the first look"),
        pytest.param(new(), (event("MODIFIED", blocked(12)),), BLOCKED, id="what an event said"),
    ],
)
async def test_at_the_deadline_the_last_condition_is_given(
    server: FaultServer,
    gateway: NamespaceGateway,
    first: Manifest,
    events: tuple[bytes, ...],
    expected: Condition | None,
) -> None:
    server.script("GET", ONE, faults.ok(first))
    server.script("WATCH", PATH, faults.stream(*events, then="hold"))
    assert await gateway.wait_provisioned("payments", seconds=0.3) == expected


async def test_at_the_deadline_the_watch_is_closed(server: FaultServer, gateway: NamespaceGateway) -> None:
    live = faults.Stream()
    server.script("GET", ONE, faults.ok(new()))
    server.script("WATCH", PATH, live)
    assert await gateway.wait_provisioned("payments", seconds=0.3) is None
    await asyncio.wait_for(live.closed.wait(), 10)


async def test_a_namespace_that_is_deleted_meanwhile_is_not_found(
    server: FaultServer, gateway: NamespaceGateway
) -> None:
    live = faults.Stream()
    server.script("GET", ONE, faults.ok(new()), faults.failure(404, "NotFound", "not found"))
    server.script("WATCH", PATH, live)
    waiting = asyncio.create_task(gateway.wait_provisioned("payments", seconds=LONG))
    await until(live.opened.is_set, "the watch is on")
    live.send(event("DELETED", manifest(version=12)))
    with pytest.raises(NotFoundError):
        await waiting


async def test_one_that_is_not_there_is_not_found(gateway: NamespaceGateway) -> None:
    with pytest.raises(NotFoundError):
        await gateway.wait_provisioned("payments", seconds=LONG)


async def test_cancelling_the_wait_closes_the_watch(server: FaultServer, gateway: NamespaceGateway) -> None:
    live = faults.Stream()
    server.script("GET", ONE, faults.ok(new()))
    server.script("WATCH", PATH, live)
    waiting = asyncio.create_task(gateway.wait_provisioned("payments", seconds=LONG))
    await asyncio.wait_for(live.opened.wait(), 10)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await asyncio.wait_for(live.closed.wait(), 10)
