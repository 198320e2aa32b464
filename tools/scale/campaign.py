"""One run over a loaded plane: start, rest, a resync, damage, churn, and a look at everything at the end."""

import asyncio
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import memory
from tools.chaos.report import Report, percentile, spread
from tools.controlplane import console
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from tools.scale import (
    bundles,
    catalogues,
    checking,
    client,
    counting,
    damage,
    growth,
    loop,
    polling,
    preload,
    repairs,
    witness,
)
from tools.scale.churn import Churn
from tools.scale.client import Client
from tools.scale.etcd import Etcd
from webhook.adapters.kube import config
from webhook.adapters.kube.transport import Transport
from webhook.core.model import ObjectKey, key_of

START_SECONDS = 60.0
START_MEMORY = 250 * 2**20
DRIFT_SECONDS = 5.0
SETTLED_SECONDS = 60.0
"""After the churn, how long everything may take to be right."""

PATIENCE_SECONDS = 600.0
"""What has not come about after this long is not waited for: the run ends."""

_CONTROLLER = "nsp-controller"
_NOTES = 20


@dataclass(frozen=True, slots=True)
class Size:
    namespaces: int
    rest: float  # seconds
    damages: int
    churn: float  # seconds
    rate: float  # turns of the churn a second
    turns: int  # that a namespace of the churn lives


FULL = Size(namespaces=10_000, rest=300, damages=500, churn=600, rate=5, turns=60)
SHORT = Size(namespaces=20, rest=2, damages=12, churn=4, rate=5, turns=8)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory(prefix="scale-") as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    catalogue = catalogues.write(folder / "catalogue.json")
    client.grant_admins(plane)
    product = Product.start(
        plane, folder / "product", processes=("admission", "controller"), catalogue=catalogue
    )
    try:
        return loop.run(_Run(plane, product, catalogue, size).all())
    finally:
        product.stop()


class _Run:
    """What the steps have in common."""

    def __init__(self, plane: ControlPlane, product: Product, catalogue: Path, size: Size) -> None:
        self.report = Report(f"scale: {size.namespaces} namespaces")
        self._plane = plane
        self._product = product
        self._catalogue = catalogue
        self._size = size
        self._names = [f"load-{number}" for number in range(size.namespaces)]
        self._templates = min(preload.TEMPLATES, size.namespaces)

    async def all(self) -> Report:
        async with Client(self._plane) as hands, Transport(await config.load(self._plane.kubeconfig)) as api:
            await self._load(hands)
            await self._start()
            await self._rest()
            await self._resync()
            keys = [key_of(manifest) for manifest in await bundles.of(hands, self._names[0])]
            await self._drift(hands, api, keys)
            await self._churn(hands, keys)
            await self._look(api)
        return self.report

    async def _load(self, hands: Client) -> None:
        """The product makes the templates; while it is away, they are copied."""
        templates = await preload.templates(hands, self._templates)
        await asyncio.to_thread(self._product.processes[_CONTROLLER].stop, 15.0)
        console.say(f"scale: loading {len(self._names)} namespaces")
        began = time.perf_counter()
        async with Etcd(self._plane) as etcd:
            await preload.load(etcd, templates, self._names)
        seconds = time.perf_counter() - began
        await counting.quiet(self._plane)  # Kubernetes' own controllers have had their look at it
        self.report.tell("loading, straight into etcd", f"{seconds:.0f} s")

    async def _start(self) -> None:
        console.say("scale: starting the controller")
        writes = await asyncio.to_thread(counting.writes, self._plane)
        began = time.perf_counter()
        process = await asyncio.to_thread(self._product.run, "controller")
        synced = time.perf_counter() - began
        await self._all_looked_at(since=0)
        seconds = time.perf_counter() - began
        rss, peak = process.rss(), memory.peak(process.pid)
        self.report.tell("from the start until everything is listed", f"{synced:.1f} s")
        self.report.check(
            "from the start until every namespace was looked at",
            f"{seconds:.1f} s",
            f"<= {START_SECONDS:.0f} s",
            kept=seconds <= START_SECONDS,
            speed=True,
        )
        self._check_no("writes at the start, nothing being wrong", await asyncio.to_thread(writes))
        self.report.check(
            "resident memory then",
            f"{rss / 2**20:.0f} MiB, at most {peak / 2**20:.0f}",
            f"<= {START_MEMORY / 2**20:.0f} MiB",
            kept=rss <= START_MEMORY,
        )

    async def _rest(self) -> None:
        console.say(f"scale: {self._size.rest:.0f} s of rest")
        writes = await asyncio.to_thread(counting.writes, self._plane)
        await asyncio.sleep(self._size.rest)
        self._check_no(f"writes in {self._size.rest:.0f} s of rest", await asyncio.to_thread(writes))

    async def _resync(self) -> None:
        """The catalogue changes in what does not concern them."""
        writes, passes = await asyncio.to_thread(counting.writes, self._plane), await self._passes()
        catalogues.touch(self._catalogue)
        began = time.perf_counter()
        await self._all_looked_at(since=passes)
        self.report.tell("a full resync", f"{time.perf_counter() - began:.1f} s")
        self._check_no("writes in a full resync", await asyncio.to_thread(writes))

    async def _drift(self, hands: Client, api: Transport, keys: Sequence[ObjectKey]) -> None:
        damages = damage.spread(self._names, keys, self._size.damages, seed=1)
        console.say(f"scale: {len(damages)} damages at once")
        async with witness.watching(api) as seen:
            found = await repairs.at_once(hands, seen, damages)
        seconds = [math.inf if repair.seconds is None else repair.seconds for repair in found]
        lasting = sum(map(math.isinf, seconds))
        self.report.check("damages not repaired", str(lasting), "0", kept=not lasting)
        p99 = percentile(seconds, 0.99)
        self.report.check(
            f"{len(damages)} damages at once, from damage to repair",
            spread(seconds),
            f"p99 <= {DRIFT_SECONDS:.0f} s",
            kept=p99 <= DRIFT_SECONDS,
            speed=True,
        )

    async def _churn(self, hands: Client, keys: Sequence[ObjectKey]) -> None:
        size = self._size
        console.say(f"scale: {size.churn:.0f} s of churn")
        churn = Churn(hands, self._names, keys, rate=size.rate, turns=size.turns)
        samples: list[growth.Sample] = []
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(growth.watch(self._product.processes[_CONTROLLER].pid, samples))
            await churn.run(size.churn)
            watching.cancel()
        self.report.tell(f"{size.churn:.0f} s of churn", str(churn))
        self.report.tell("turns started late", str(churn.pace))
        growth.tell(self.report, samples)

    async def _look(self, api: Transport) -> None:
        console.say("scale: looking at everything")
        began = time.perf_counter()
        wrong = await checking.wrong(api)
        while wrong and time.perf_counter() - began < SETTLED_SECONDS:
            wrong = await checking.wrong(api)
        self.report.check("namespaces not right at the end", str(len(wrong)), "0", kept=not wrong)
        self.report.notes += wrong[:_NOTES]

    async def _passes(self) -> float:
        return counting.total(await self._metrics(), "nsp_reconciles_total")

    async def _all_looked_at(self, *, since: float) -> None:
        """So many passes more than `since`, and none waiting."""

        async def done() -> bool | None:
            metrics = await self._metrics()
            passes = counting.total(metrics, "nsp_reconciles_total") - since
            waiting = counting.total(metrics, "nsp_queue_depth")
            return True if passes >= len(self._names) + self._templates and not waiting else None

        await polling.until(done, "a pass over every namespace", limit=PATIENCE_SECONDS)

    async def _metrics(self) -> str:
        status, text = await asyncio.to_thread(self._product.health, _CONTROLLER, "/metrics")
        return text if status == 200 else ""

    def _check_no(self, what: str, writes: dict[str, int]) -> None:
        told = ", ".join(f"{count} {each}" for each, count in writes.items())
        self.report.check(what, told or "0", "0", kept=not writes)
