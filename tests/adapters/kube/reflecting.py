"""A reflector on the fault server, and what it tells."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.adapters.kube.faults import FaultServer
from tests.controller.support import Told, running, until
from webhook.adapters.kube import reflector as reflectors
from webhook.adapters.kube import resources
from webhook.adapters.kube.mirror import Delta
from webhook.adapters.kube.reflector import Reflector
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key
from webhook.adapters.kube.transport import Transport

PATH = "/api/v1/namespaces"


def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflectors, "RECONNECT_SECONDS", 0.001)
    monkeypatch.setattr(reflectors, "ERROR_BASE_SECONDS", 0.001)
    monkeypatch.setattr(reflectors, "ERROR_LIMIT_SECONDS", 0.01)


class Setup:
    def __init__(
        self, server: FaultServer, transport: Transport, resource: Resource = resources.NAMESPACES
    ) -> None:
        self.server = server
        self.told = Told()
        self.deltas: list[Delta] = []
        self.reflector = Reflector(
            transport,
            resource,
            selector="a=b",
            on_change=self.deltas.append,
            metrics=self.told.metrics,
            log=self.told.log,
        )

    @property
    def changes(self) -> list[str]:
        return [delta.key.name for delta in self.deltas]

    def names(self) -> list[str]:
        return sorted(key.name for key in self.reflector.store)

    def version(self, name: str) -> str | None:
        found = self.reflector.store.get(Key("", name))
        return found["metadata"]["resourceVersion"] if found else None

    def restarts(self, reason: str) -> float:
        return self.told.value("nsp_watch_restarts_total", kind="Namespace", reason=reason)

    def relists(self, reason: str) -> float:
        return self.told.value("nsp_relists_total", kind="Namespace", reason=reason)

    def errors(self) -> list[str]:
        return [line["message"] for line in self.told.lines() if line["level"] == "error"]

    async def has(self, **versions: int) -> None:
        """Wait until the store has exactly these."""
        wanted = {name: str(version) for name, version in versions.items()}
        await self.until(
            lambda: {name: self.version(name) for name in self.names()} == wanted, f"the store has {wanted}"
        )

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(lambda: condition() or self._task.done(), what)
        assert not self._task.done(), "the reflector has ended"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with running(self.reflector.run()) as self._task:
            yield
