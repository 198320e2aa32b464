"""A Lease on an API server in memory, links to it that fail in every way, and replicas that want it.

For virtual time. A write that was sent is carried out even when nobody waits for its answer any more.
"""

import asyncio
import copy
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.controller.support import Told
from tests.controller.virtualtime import running_loop
from webhook.adapters.kube.elector import TIMING, Elector, Timing
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import ConflictError, NotFoundError
from webhook.core.model import Manifest

NEVER = 1e6
NAMESPACE = "platform"
BEGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class LeaseServer:
    """Keeps one Lease as the API server does: a write on another version than the present one conflicts."""

    def __init__(self) -> None:
        self.lease: Manifest | None = None
        self.history: list[tuple[float, Manifest]] = []
        self._versions = itertools.count(1)

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec

    @property
    def holder(self) -> str:
        return str((self.lease or {}).get("spec", {}).get("holderIdentity") or "")

    def get(self) -> Manifest:
        if self.lease is None:
            raise NotFoundError("404 NotFound: no such lease", code=404)
        return copy.deepcopy(self.lease)

    def create(self, manifest: Manifest) -> Manifest:
        if self.lease is not None:
            raise ConflictError("409 AlreadyExists: it exists", code=409)
        return self.put(manifest)

    def replace(self, manifest: Manifest) -> Manifest:
        if manifest["metadata"]["resourceVersion"] != self.get()["metadata"]["resourceVersion"]:
            raise ConflictError("409 Conflict: it has been modified", code=409)
        return self.put(manifest)

    def put(self, manifest: Manifest) -> Manifest:
        """Store it whatever stood there. As with the real server, what changes nothing is no new version."""
        if self.lease is None or manifest != self.lease:
            version = {"resourceVersion": str(next(self._versions))}
            self.lease = {**copy.deepcopy(manifest), "metadata": {**manifest["metadata"], **version}}
            self.history.append((running_loop().time(), self.get().get("spec") or {}))
        return self.get()

    def edit(self, **changes: Any) -> None:
        """Somebody's hand in the spec."""
        found = self.get()
        self.put({**found, "spec": {**found["spec"], **changes}})


@dataclass
class Link:
    """How the next calls go: seconds until the server acts, and from there until its answer is here."""

    there: float = 0.001
    back: float = 0.001
    error: Exception | None = None


class LeaseTransport(Transport):
    """One replica's way to the server; `link` is asked anew for every call."""

    def __init__(self, server: LeaseServer) -> None:
        self.server = server
        self.link: Callable[[], Link] = Link
        self.calls: list[tuple[float, str]] = []
        self._sent: set[asyncio.Task[Manifest]] = set()

    async def get(self, path: str) -> Manifest:
        assert path == _PATH
        return await self._over("get", self.server.get)

    async def create(self, path: str, manifest: Manifest) -> Manifest:
        assert f"{path}/{manifest['metadata']['name']}" == _PATH
        return await self._over("create", lambda: self.server.create(manifest))

    async def replace(self, path: str, manifest: Manifest) -> Manifest:
        assert path == _PATH
        return await self._over("replace", lambda: self.server.replace(manifest))

    async def _over(self, verb: str, act: Callable[[], Manifest]) -> Manifest:
        self.calls.append((running_loop().time(), verb))
        link = self.link()
        if link.error:
            await asyncio.sleep(link.there)
            raise link.error
        task = asyncio.create_task(_carried_out(link, act))
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)


_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/ns-provisioner-controller"


async def _carried_out(link: Link, act: Callable[[], Manifest]) -> Manifest:
    await asyncio.sleep(link.there)
    try:
        return act()
    finally:
        await asyncio.sleep(link.back)


class WallClock:
    """Implements ports.Clock: virtual time plus what the test sets it off by; or it stands still."""

    def __init__(self) -> None:
        self.off = timedelta()
        self.stopped: datetime | None = None

    def now(self) -> datetime:
        return self.stopped or BEGIN + self.off + timedelta(seconds=running_loop().time())


class Freezing(Elector):
    """One whose process stands still before a call, as long as the test says."""

    frozen_until = 0.0

    async def _try(self, step: Callable[[], Awaitable[bool]], *, within: float | None = None) -> bool:
        await asyncio.sleep(self.frozen_until - running_loop().time())
        return await super()._try(step, within=within)


@dataclass
class Replica:
    """One elector, and the terms in which its work ran. `rate` is how fast its steady clock runs."""

    server: LeaseServer
    name: str = "a"
    timing: Timing = TIMING
    rate: float = 1.0
    jitter: Callable[[], float] = lambda: 0.5
    work: Callable[[], Coroutine[Any, Any, None]] | None = None
    frozen: float = 0.0
    cut_until: float = 0.0
    terms: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.told = Told()
        self.wall = WallClock()
        self.transport = LeaseTransport(self.server)
        self.finish = asyncio.Event()
        self.elector = Freezing(
            self.transport,
            namespace=NAMESPACE,
            identity=self.name,
            clock=self.wall,
            metrics=self.told.metrics,
            log=self.told.log,
            timing=self.timing,
            steady=lambda: running_loop().time() * self.rate + self.frozen,
            jitter=self.jitter,
        )

    def start(self) -> "asyncio.Task[None]":
        self.running = asyncio.create_task(self.elector.run(self._lead))
        return self.running

    def stop(self) -> None:
        """As the service does: both are told, and the work ends by itself."""
        self.finish.set()
        self.elector.stop()

    def leads(self) -> bool:
        """Whether its work runs."""
        return bool(self.terms) and len(self.terms[-1]) == 1

    async def _lead(self) -> None:
        assert not self.leads(), "the work of the term before has not ended"
        self.terms.append([running_loop().time()])
        try:
            await (self.work() if self.work else self.finish.wait())
        finally:
            self.terms[-1].append(running_loop().time())


async def until(condition: Callable[[], object], what: str, *, seconds: float = 120.0) -> float:
    """Let virtual time pass until it is so; how long it took."""
    began = running_loop().time()
    while not condition():
        assert running_loop().time() < began + seconds, f"still not: {what}"
        await asyncio.sleep(0.01)
    return running_loop().time() - began
