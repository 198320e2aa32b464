"""What the API server makes of the preconditions with which namespaces are marked and ended."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.controller.support import StoppedClock
from tools.controlplane.plane import ControlPlane
from webhook.adapters.cluster_sink import ClusterSink
from webhook.adapters.kube import config
from webhook.adapters.kube.transport import Transport
from webhook.adapters.namespace_reaper import NamespaceReaper
from webhook.core import labels
from webhook.core.errors import ConflictError, NotFoundError, RejectedError
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

COLLECTION = "/api/v1/namespaces"


@pytest.fixture
async def transport(anyio_backend: object, plane: ControlPlane) -> AsyncIterator[Transport]:
    async with Transport(await config.load(plane.kubeconfig)) as connected:
        yield connected


@pytest.fixture
def reaper(transport: Transport) -> NamespaceReaper:
    return NamespaceReaper(transport)


@pytest.fixture
def wrote() -> list[Manifest]:
    return []


@pytest.fixture
def sink(transport: Transport, wrote: list[Manifest]) -> ClusterSink:
    return ClusterSink(transport, clock=StoppedClock(), wrote=wrote.append)


@pytest.fixture
def made(plane: ControlPlane, name: str) -> Manifest:
    """A namespace that nobody manages, so that nobody else touches it."""
    body = {"metadata": {"name": name, "annotations": {"note": "hello"}}}
    found: Manifest = plane.api.send("POST", COLLECTION, body).json()
    return found


def _namesake(manifest: Manifest) -> Manifest:
    uid = "0b0f5bfc-3b0e-4f59-8d0c-6a4d4fb8a0f1"
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}


async def test_what_was_fetched_is_deleted(reaper: NamespaceReaper, made: Manifest, name: str) -> None:
    await reaper.delete(await reaper.fetch(name))
    with suppress(NotFoundError):  # gone before we looked
        assert "deletionTimestamp" in (await reaper.fetch(name))["metadata"]


async def test_one_that_has_changed_since_is_not(
    reaper: NamespaceReaper, plane: ControlPlane, made: Manifest, name: str
) -> None:
    fetched = await reaper.fetch(name)
    plane.kubectl("annotate", "namespace", name, "platform/ttl=30d")
    with pytest.raises(ConflictError):
        await reaper.delete(fetched)
    assert "deletionTimestamp" not in (await reaper.fetch(name))["metadata"]


async def test_a_namesake_is_not_deleted(reaper: NamespaceReaper, made: Manifest, name: str) -> None:
    with pytest.raises(ConflictError):
        await reaper.delete(_namesake(await reaper.fetch(name)))
    assert "deletionTimestamp" not in (await reaper.fetch(name))["metadata"]


async def test_what_is_not_there_is_not_found(reaper: NamespaceReaper, name: str) -> None:
    with pytest.raises(NotFoundError):
        await reaper.fetch(name)
    assert await reaper.fetch_quota(name) is None


async def test_a_quota_is_fetched(
    reaper: NamespaceReaper, plane: ControlPlane, made: Manifest, name: str
) -> None:
    plane.kubectl("create", "quota", "default", "--hard=pods=5", "-n", name)
    found = await reaper.fetch_quota(name)
    assert found is not None
    assert found["spec"]["hard"] == {"pods": "5"}


async def test_marks_are_set_corrected_and_taken_away(
    sink: ClusterSink, reaper: NamespaceReaper, wrote: list[Manifest], made: Manifest, name: str
) -> None:
    for moment in (1_772_366_400, 1_772_366_401, None):
        text = None if moment is None else str(moment)
        await sink.set_expiry(made, moment)
        await sink.set_idle_since(made, moment)
        metadata = (await reaper.fetch(name))["metadata"]
        assert metadata["labels"].get(labels.EXPIRES_AT) == text
        assert metadata["annotations"].get(labels.IDLE_SINCE) == text
        assert metadata["annotations"]["note"] == "hello"
        assert wrote[-1]["metadata"]["resourceVersion"] == metadata["resourceVersion"]


async def test_a_namesake_is_not_marked(
    sink: ClusterSink, reaper: NamespaceReaper, wrote: list[Manifest], made: Manifest, name: str
) -> None:
    for mark in (sink.set_expiry, sink.set_idle_since):
        with pytest.raises(RejectedError, match=r"metadata\.uid"):
            await mark(_namesake(made), 1_772_366_400)
    assert wrote == []
    metadata = (await reaper.fetch(name))["metadata"]
    assert labels.EXPIRES_AT not in metadata["labels"]
    assert labels.IDLE_SINCE not in metadata["annotations"]
