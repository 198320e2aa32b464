"""A reflector on a real API server: one that sends initial events, one that does not, one restored from a
backup."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.adapters.kube.reflecting import short_pauses
from tests.controller.support import Told, running, until
from tools.controlplane import readiness, waiting
from tools.controlplane.plane import ControlPlane
from webhook.adapters.kube import config, resources
from webhook.adapters.kube.reflector import Reflector
from webhook.adapters.kube.transport import Transport
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/namespaces"
SECONDS = 30.0
FALLBACK = "no initial events, listed instead"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    short_pauses(monkeypatch)


@pytest.fixture
def old_plane() -> Iterator[ControlPlane]:
    """An API server as it was before it could send initial events; its etcd may be tampered with."""
    with ControlPlane.start(feature_gates="WatchList=false") as started:
        yield started


class Setup:
    """What a reflector of the namespaces with label `case` knows, beside what the server has."""

    def __init__(self, plane: ControlPlane, case: str, transport: Transport) -> None:
        self.plane, self.case, self.told = plane, case, Told()
        self.reflector = Reflector(
            transport,
            resources.NAMESPACES,
            selector=f"case={case}",
            on_change=lambda _: None,
            metrics=self.told.metrics,
            log=self.told.log,
        )

    async def create(self, name: str) -> None:
        metadata = {"name": name, "labels": {"case": self.case}}
        await self._send("POST", PATH, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    async def annotate(self, name: str, text: str) -> None:
        await self._send("PATCH", f"{PATH}/{name}", {"metadata": {"annotations": {"text": text}}})

    async def unlabel(self, name: str) -> None:
        await self._send("PATCH", f"{PATH}/{name}", {"metadata": {"labels": {"case": None}}})

    async def _send(self, method: str, path: str, body: Manifest) -> None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = await asyncio.to_thread(
            self.plane.api.send, method, path, body, headers={"Content-Type": kind}
        )
        assert answer.status < 300, answer.body

    def known(self) -> dict[str, str]:
        """Versions by name."""
        found = self.reflector.store.in_namespace("")
        return {name: manifest["metadata"]["resourceVersion"] for name, manifest in found.items()}

    async def live(self) -> dict[str, str]:
        answer = await asyncio.to_thread(self.plane.api.get, f"{PATH}?labelSelector=case%3D{self.case}")
        items: list[Any] = answer.json()["items"]
        return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}

    async def equal(self) -> None:
        """Wait until the store is what the server has, where others may write as well."""
        async with asyncio.timeout(SECONDS):
            while True:
                if await self.live() == self.known():
                    return
                await asyncio.sleep(0.05)

    def messages(self) -> list[str]:
        return [line["message"] for line in self.told.lines()]

    def relists(self, reason: str) -> float:
        return self.told.value("nsp_relists_total", kind="Namespace", reason=reason)


@asynccontextmanager
async def reflecting(plane: ControlPlane, case: str) -> AsyncIterator[Setup]:
    async with Transport(await config.load(plane.kubeconfig)) as transport:
        setup = Setup(plane, case, transport)
        await setup.create(f"{case}-0")
        await setup.create(f"{case}-1")
        async with running(setup.reflector.run()):
            await asyncio.wait_for(setup.reflector.synced.wait(), SECONDS)
            yield setup


async def change(setup: Setup) -> None:
    case = setup.case
    await setup.create(f"{case}-2")
    await setup.annotate(f"{case}-0", "changed")
    await setup.unlabel(f"{case}-1")
    await setup.equal()
    assert set(setup.known()) == {f"{case}-0", f"{case}-2"}


async def test_a_server_of_today_sends_everything_as_initial_events(plane: ControlPlane, name: str) -> None:
    async with reflecting(plane, name) as setup:
        await setup.equal()
        assert set(setup.known()) == {f"{name}-0", f"{name}-1"}
        await change(setup)
        assert setup.messages() == [], "neither a fallback nor an error"


async def test_an_old_server_is_listed_and_a_restored_one_listed_again(
    old_plane: ControlPlane, name: str
) -> None:
    async with reflecting(old_plane, name) as setup:
        await change(setup)
        assert setup.messages() == [FALLBACK]
        backup = old_plane.directory / "backup"
        await asyncio.to_thread(offline, old_plane, lambda data: shutil.copytree(data, backup))
        await setup.create(f"{name}-lost")
        await setup.annotate(f"{name}-0", "lost, too")
        await setup.equal()
        before = setup.known()

        def restore(data: Any) -> None:
            shutil.rmtree(data)
            shutil.copytree(backup, data)

        await asyncio.to_thread(offline, old_plane, restore)
        await until(lambda: setup.relists("rewound"), "the backup is noticed", seconds=SECONDS)
        await setup.equal()
        assert set(setup.known()) == {f"{name}-0", f"{name}-2"}
        assert int(setup.known()[f"{name}-0"]) < int(before[f"{name}-0"])
        await setup.annotate(f"{name}-2", "after it")
        await setup.equal()


def offline(plane: ControlPlane, act: Callable[[Any], object]) -> None:
    """Do something to etcd's data while neither etcd nor the API server runs."""
    layout = plane._layout
    for process in ("kube-apiserver", "etcd"):
        plane.kill(process)
    act(layout.file("etcd"))
    plane._spawn("etcd", layout.etcd_port)
    waiting.until(lambda: readiness.etcd_healthy(layout), "etcd to be healthy", ())
    plane._spawn("kube-apiserver", layout.apiserver_port)
    waiting.until(lambda: readiness.apiserver_ready(plane.api), "the API server to be ready", ())
