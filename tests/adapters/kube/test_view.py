"""The view joins what the reflectors know, and does not let a late answer spoil it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, event, manifest
from tests.controller.support import Told, running, until
from webhook.adapters.kube import resources
from webhook.adapters.kube import view as views
from webhook.adapters.kube.transport import Transport
from webhook.adapters.kube.view import ClusterView
from webhook.core import labels
from webhook.core.model import Manifest, ObjectKey

pytestmark = pytest.mark.anyio

NAMESPACES = resources.NAMESPACES.collection
QUOTAS = resources.BUNDLE["ResourceQuota"].collection
COLLECTIONS = [NAMESPACES, *(resource.collection for resource in resources.BUNDLE.values())]
DEFAULT = ObjectKey("ResourceQuota", "default")


def quota(version: int, *, uid: str = "") -> Manifest:
    return manifest("default", version, uid=uid, namespace="payments", kind="ResourceQuota")


class Setup:
    def __init__(self, server: FaultServer, transport: Transport) -> None:
        self.server = server
        self.changes: list[str] = []
        self.low: list[str] = []
        told = Told()
        self.view = ClusterView(transport, on_change=self._changed, metrics=told.metrics, log=told.log)
        for path in COLLECTIONS:
            server.script("GET", path, faults.page(version=10))

    def _changed(self, name: str, *, low: bool = False) -> None:
        (self.low if low else self.changes).append(name)

    def quota_version(self) -> str | None:
        found = self.view.bundle_objects("payments").get(DEFAULT)
        return found["metadata"]["resourceVersion"] if found else None

    @asynccontextmanager
    async def watched(self, path: str) -> AsyncIterator[faults.Stream]:
        """The view after its first lists; the watch of `path` is fed by the test."""
        live = faults.Stream()
        self.server.script("WATCH", path, live)
        async with running(self.view.run()):
            await asyncio.wait_for(self.view.synced(), 10)
            await asyncio.wait_for(live.opened.wait(), 10)
            yield live


@pytest.fixture
async def setup(server: FaultServer, transport: Transport) -> Setup:
    return Setup(server, transport)


async def test_objects_are_joined_by_namespace_and_changes_name_the_namespace(setup: Setup) -> None:
    setup.server.script("GET", NAMESPACES, faults.page(manifest("payments", 3), version=10))
    setup.server.script("GET", QUOTAS, faults.page(quota(4), version=10))
    binding = manifest("team-edit", 5, namespace="payments", kind="RoleBinding")
    setup.server.script("GET", resources.BUNDLE["RoleBinding"].collection, faults.page(binding, version=10))
    async with setup.watched(QUOTAS) as live:
        namespace = setup.view.namespace("payments")
        assert namespace is not None
        assert namespace["kind"] == "Namespace"
        assert set(setup.view.bundle_objects("payments")) == {DEFAULT, ObjectKey("RoleBinding", "team-edit")}
        assert setup.view.namespace("search") is None
        assert setup.view.bundle_objects("search") == {}
        assert setup.low == ["payments"] * 3
        live.send(event("DELETED", quota(11)))
        await until(lambda: setup.changes, "the deletion was seen")
        assert setup.changes == ["payments"]
        assert DEFAULT not in setup.view.bundle_objects("payments")


async def test_only_what_carries_our_label_is_asked_for(setup: Setup) -> None:
    async with setup.watched(QUOTAS):
        await until(lambda: len(setup.server.seen("WATCH")) == len(COLLECTIONS), "all are watched")
    assert {seen.query["labelSelector"] for seen in setup.server.requests} == {
        "app.kubernetes.io/managed-by=ns-provisioner"
    }


async def test_it_is_synced_when_the_last_kind_is(setup: Setup) -> None:
    gate = asyncio.Event()
    setup.server.script("GET", QUOTAS, faults.gated(gate, faults.page(quota(4), version=10)))
    async with running(setup.view.run()):
        await until(lambda: len(setup.server.seen("WATCH")) == len(COLLECTIONS) - 1, "all but one are listed")
        assert not setup.view.is_synced()
        gate.set()
        await asyncio.wait_for(setup.view.synced(), 10)
        assert setup.view.is_synced()
        assert DEFAULT in setup.view.bundle_objects("payments")


async def test_the_answer_to_our_own_write_is_known_at_once_and_its_event_is_no_news(setup: Setup) -> None:
    async with setup.watched(QUOTAS) as live:
        setup.view.wrote(quota(11))
        assert setup.quota_version() == "11"
        setup.changes.clear()
        live.send(event("ADDED", quota(11)))
        live.send(event("ADDED", manifest("last", 12, namespace="last", kind="ResourceQuota")))
        await until(lambda: "last" in setup.changes, "all events were taken")
        assert setup.changes == ["last"]


async def test_an_answer_that_comes_after_the_watch_told_of_the_deletion_brings_nothing_back(
    setup: Setup,
) -> None:
    """Written at 11, deleted by a tenant at 12; the watch was quicker than the answer. Believing the
    answer would leave the namespace without a quota until the next list."""
    async with setup.watched(QUOTAS) as live:
        live.send(event("ADDED", quota(11)))
        live.send(event("DELETED", quota(12)))
        await until(lambda: len(setup.changes) == 2, "both events were taken")
        setup.view.wrote(quota(11))
        assert setup.quota_version() is None


@pytest.mark.parametrize("given", [{}, {"app.kubernetes.io/managed-by": "Helm"}, None], ids=str)
@pytest.mark.parametrize("kind", ["Namespace", "ResourceQuota"])
async def test_an_answer_without_our_label_is_not_taken_in(
    setup: Setup, kind: str, given: dict[str, str] | None
) -> None:
    """Somebody took the label off between our write and its answer: the watch says DELETED."""
    stripped = manifest("payments") if kind == "Namespace" else quota(11)
    stripped["metadata"]["labels"] = given
    async with setup.watched(QUOTAS):
        setup.view.wrote(stripped)
        assert setup.view.namespace("payments") is None
        assert setup.view.bundle_objects("payments") == {}
        setup.view.wrote(quota(12))
        setup.view.wrote({**quota(13), "metadata": {**quota(13)["metadata"], "labels": given}})
        assert setup.quota_version() == "12"


async def test_an_answer_newer_than_a_list_survives_that_list(setup: Setup) -> None:
    gate = asyncio.Event()
    setup.server.script(
        "GET",
        QUOTAS,
        faults.page(version=10, token="t"),
        faults.gated(gate, faults.page(version=10)),
    )
    async with running(setup.view.run()):
        await until(lambda: len(setup.server.seen("GET", QUOTAS)) == 2, "the second page is asked for")
        setup.view.wrote(quota(11))
        gate.set()
        await asyncio.wait_for(setup.view.synced(), 10)
        assert setup.quota_version() == "11"


def of_team(name: str, team: str | None, version: int, *, uid: str = "") -> Manifest:
    made = manifest(name, version, uid=uid)
    if team is not None:
        made["metadata"]["labels"][labels.TEAM] = team
    return made


def names(manifests: Iterable[Manifest]) -> list[str]:
    return sorted(it["metadata"]["name"] for it in manifests)


async def test_all_namespaces_and_those_of_a_team_are_known(setup: Setup) -> None:
    items = (of_team("a", "red", 3), of_team("b", "red", 4), of_team("c", "blue", 5), of_team("d", None, 6))
    setup.server.script("GET", NAMESPACES, faults.page(*items, version=10))
    async with setup.watched(NAMESPACES) as live:
        assert names(setup.view.namespaces()) == ["a", "b", "c", "d"]
        assert names(setup.view.team("red")) == ["a", "b"]
        assert names(setup.view.team("green")) == []
        live.send(event("MODIFIED", of_team("b", "blue", 11)))
        live.send(event("DELETED", of_team("a", "red", 12)))
        await until(lambda: len(setup.changes) == 2, "both events were taken")
        assert names(setup.view.team("red")) == []
        assert names(setup.view.team("blue")) == ["b", "c"]
        setup.view.wrote(of_team("e", "red", 13))
        assert names(setup.view.team("red")) == ["e"]


async def test_what_is_gone_through_may_change_meanwhile(setup: Setup) -> None:
    items = (of_team("a", "red", 3), of_team("b", "red", 4))
    setup.server.script("GET", NAMESPACES, faults.page(*items, version=10))
    async with setup.watched(NAMESPACES):
        for number, _ in enumerate(zip(setup.view.namespaces(), setup.view.team("red"), strict=True)):
            setup.view.wrote(of_team(f"new-{number}", "red", 20 + number))
        assert len(names(setup.view.namespaces())) == 4


async def test_a_namespace_that_departed_is_remembered_until_it_is_taken(setup: Setup) -> None:
    setup.server.script("GET", NAMESPACES, faults.page(of_team("a", "red", 3), version=10))
    async with setup.watched(NAMESPACES) as live:
        assert setup.view.take_departed("a") is None
        live.send(event("MODIFIED", of_team("a", "blue", 11)))
        live.send(event("DELETED", of_team("a", "blue", 12)))
        await until(lambda: len(setup.changes) == 2, "both events were taken")
        departed = setup.view.take_departed("a")
        assert departed == of_team("a", "blue", 11), "the last known state"
        assert setup.view.take_departed("a") is None, "it is taken"
        assert setup.view.namespace("a") is None


async def test_a_namesake_that_took_its_place_does_not_hide_the_departed_one(setup: Setup) -> None:
    setup.server.script("GET", NAMESPACES, faults.page(of_team("a", "red", 3, uid="old"), version=10))
    async with setup.watched(NAMESPACES) as live:
        setup.server.script("GET", NAMESPACES, faults.page(of_team("a", "blue", 15, uid="new"), version=20))
        live.send(faults.gone())
        await until(lambda: setup.changes, "listed again")
        departed, present = setup.view.take_departed("a"), setup.view.namespace("a")
        assert departed is not None
        assert present is not None
        assert (departed["metadata"]["uid"], present["metadata"]["uid"]) == ("old", "new")


async def test_a_change_is_no_departure(setup: Setup) -> None:
    setup.server.script("GET", NAMESPACES, faults.page(of_team("a", "red", 3), version=10))
    async with setup.watched(NAMESPACES) as live:
        live.send(event("MODIFIED", of_team("a", "blue", 11)))
        await until(lambda: setup.changes, "the event was taken")
        assert setup.view.take_departed("a") is None


async def test_departed_namespaces_that_nobody_takes_do_not_pile_up(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that does not lead sees them go, and does nothing about it."""
    monkeypatch.setattr(views, "DEPARTED_LIMIT", 2)
    async with setup.watched(NAMESPACES) as live:
        for version, name in enumerate(("a", "b", "a", "c"), start=1):
            live.send(event("ADDED", of_team(name, "red", 10 * version)))
            live.send(event("DELETED", of_team(name, "red", 10 * version + 1)))
        await until(lambda: len(setup.changes) == 8, "all events were taken")
        assert [setup.view.take_departed(name) is not None for name in "abc"] == [True, False, True]


async def test_a_resync_asks_for_a_low_look_at_every_namespace(setup: Setup) -> None:
    setup.server.script("GET", NAMESPACES, faults.page(manifest("a", 3), manifest("b", 4), version=10))
    async with setup.watched(NAMESPACES):
        setup.low.clear()
        setup.view.resync()
        assert (setup.low, setup.changes) == (["a", "b"], [])


def used(version: int, pods: str, **metadata: object) -> Manifest:
    made = {**quota(version), "status": {"hard": {"pods": "9"}, "used": {"pods": pods}}}
    return {**made, "metadata": {**made["metadata"], **metadata}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param(used(11, "2"), False, id="the status"),
        pytest.param(used(11, "2", managedFields=[{"manager": "x"}]), False, id="who manages it, too"),
        pytest.param(used(11, "2", annotations={"a": "b"}), True, id="an annotation as well"),
        pytest.param({**used(11, "1"), "spec": {"hard": {"pods": "99"}}}, True, id="the spec"),
        pytest.param(used(11, "1", uid="another"), True, id="the object itself"),
    ],
)
async def test_of_a_bundle_object_the_status_is_kept_and_its_change_is_not_told(
    setup: Setup, changed: Manifest, told: bool
) -> None:
    setup.server.script("GET", QUOTAS, faults.page(used(4, "1"), version=10))
    async with setup.watched(QUOTAS) as live:
        live.send(event("MODIFIED", changed))
        live.send(event("ADDED", manifest("last", 12, namespace="last", kind="ResourceQuota")))
        await until(lambda: "last" in setup.changes, "all events were taken")
        assert setup.changes == [*(["payments"] if told else []), "last"]
        kept = setup.view.bundle_objects("payments")[DEFAULT]
        assert kept["metadata"]["resourceVersion"] == "11"
        assert kept["status"] == {"used": changed["status"]["used"]}


async def test_of_a_namespace_a_change_of_the_status_is_told(setup: Setup) -> None:
    """The condition in it is ours to keep."""
    ready = faults.conditioned(manifest("a", 3), "True", "BundleComplete")
    setup.server.script("GET", NAMESPACES, faults.page(ready, version=10))
    async with setup.watched(NAMESPACES) as live:
        live.send(event("MODIFIED", {**manifest("a", 11), "status": {"phase": "Active"}}))
        await until(lambda: setup.changes == ["a"], "the change is told")


async def test_what_our_answer_has_hidden_is_told_even_if_only_the_status_followed(setup: Setup) -> None:
    """Somebody writes at 11, we at 12 without having seen it, the server counts at 13."""
    async with setup.watched(QUOTAS) as live:
        live.send(event("ADDED", used(5, "1")))
        await until(lambda: setup.changes, "it is there")
        setup.changes.clear()
        setup.view.wrote(used(12, "1"))
        for version, pods in ((11, "1"), (12, "1"), (13, "2")):
            live.send(event("MODIFIED", used(version, pods)))
        await until(lambda: setup.quota_version() == "13", "all events were taken")
        assert setup.changes == ["payments"]
