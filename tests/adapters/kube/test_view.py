"""The view joins what the reflectors know, and does not let a late answer spoil it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, event, manifest
from tests.controller.support import Told, running, until
from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.adapters.kube.view import ClusterView
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
        told = Told()
        self.view = ClusterView(transport, on_change=self.changes.append, metrics=told.metrics, log=told.log)
        for path in COLLECTIONS:
            server.script("GET", path, faults.page(version=10))

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
        assert setup.changes == ["payments"] * 3
        live.send(event("DELETED", quota(11)))
        await until(lambda: len(setup.changes) == 4, "the deletion was seen")
        assert setup.changes[3] == "payments"
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
