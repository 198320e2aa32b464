"""How long a namespace takes from its creation to its complete bundle: one alone, and 100 at once.

The reference is the rate at which the same API server takes the same writes (six objects and one
status a namespace, server-side apply, as many in flight as the controller allows itself) from a
client that does nothing else. Rounds alternate, so that both see the same machine.
"""

import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from statistics import median

from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from webhook.adapters import catalogue_file
from webhook.adapters.kube import config, resources
from webhook.adapters.kube.transport import WRITES_IN_FLIGHT, Transport
from webhook.codec import namespace
from webhook.core import bundle
from webhook.core.model import Condition, ConditionStatus, NamespaceState, key_of

ROUNDS = 3
SINGLES = 10
MANY = 100
CREATES_IN_FLIGHT = 16
WRITES = 7

_TIER = catalogue_file.load(None).tiers["small"]
_DONE = Condition(ConditionStatus.TRUE, "Raw", "written without a controller", since="2026-01-01T00:00:00Z")


def main() -> int:
    """Measure on a plane of this run's own, and print."""
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(plane, Path(folder)))
    return 0


async def _measure(plane: ControlPlane, folder: Path) -> None:
    async with Transport(await config.load(plane.kubeconfig)) as transport:
        bare = [f"bare-{number}" for number in range(ROUNDS * (MANY + SINGLES))]
        await _each(
            bare, lambda name: _create(transport, name), CREATES_IN_FLIGHT
        )  # before anyone provisions
        product = await asyncio.to_thread(Product.start, plane, folder)
        try:
            await _rounds(transport, iter(bare), product)
        finally:
            await asyncio.to_thread(product.stop)


async def _rounds(transport: Transport, bare: Iterable[str], product: Product) -> None:
    raw_one, raw_many, one, many = [], [], [], []
    names = iter(bare)
    for turn in range(ROUNDS):
        raw_one += [await _timed(_write(transport, next(names))) for _ in range(SINGLES)]
        batch = [next(names) for _ in range(MANY)]
        raw_many.append(await _timed(_each(batch, lambda name: _write(transport, name), WRITES_IN_FLIGHT)))
        one += [await _timed(_provision(transport, [f"one-{turn}-{n}"])) for n in range(SINGLES)]
        many.append(await _timed(_provision(transport, [f"many-{turn}-{n}" for n in range(MANY)])))
    memory = max(process.rss() for process in product.processes.values())
    _print(raw_one, raw_many, one, many, memory)


async def _create(transport: Transport, name: str) -> None:
    await transport.create(resources.NAMESPACES.collection, namespace.manifest(name, NamespaceState()))


async def _write(transport: Transport, name: str) -> None:
    """The seven writes of one namespace, one after the other, as the controller makes them."""
    for item in bundle.render(name, "bench", _TIER, quota=_TIER.quota, group="team-bench").objects:
        key = key_of(item)
        unlabelled = {**item, "metadata": {"name": key.name, "namespace": name}}
        await transport.apply(resources.BUNDLE[key.kind].path(name, key.name), unlabelled)
    status = namespace.status_patch(name, _DONE, since=_DONE.since)
    await transport.apply(f"{resources.NAMESPACES.path('', name)}/status", status)


async def _provision(transport: Transport, names: list[str]) -> None:
    """Create namespaces and wait until the last has its condition, seen by one watch from before."""
    waiting = set(names)
    collection = resources.NAMESPACES.collection
    version = (await transport.get(f"{collection}?limit=1"))["metadata"]["resourceVersion"]
    async with asyncio.TaskGroup() as group:
        group.create_task(_each(names, lambda name: _create(transport, name), CREATES_IN_FLIGHT))
        async with aclosing(transport.watch(collection, {"resourceVersion": version})) as events:
            async for event in events:
                condition = namespace.provisioned(event["object"])
                if condition is not None and condition.status is ConditionStatus.TRUE:
                    waiting.discard(event["object"]["metadata"]["name"])
                if not waiting:
                    return


async def _each(names: Iterable[str], action: Callable[[str], Awaitable[None]], in_flight: int) -> None:
    remaining = iter(names)

    async def work() -> None:
        for name in remaining:
            await action(name)

    await asyncio.gather(*(work() for _ in range(in_flight)))


async def _timed(action: Awaitable[None]) -> float:
    began = time.perf_counter()
    await action
    return time.perf_counter() - began


def _print(
    raw_one: list[float], raw_many: list[float], one: list[float], many: list[float], memory: int
) -> None:
    rate, raw_rate = (MANY * WRITES / median(seconds) for seconds in (many, raw_many))
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds; median (least-most)\n"
    )
    _row("one namespace, from create to Provisioned=True", _ms(one))
    _row(f"  raw: the same {WRITES} writes, one after the other", _ms(raw_one))
    _row("  ratio", f"{median(one) / median(raw_one):.2f}\n")
    _row(f"{MANY} namespaces at once, until the last is ready", f"{_seconds(many)}, {rate:.0f} writes/s")
    _row("  raw: the same writes, no creates, no webhooks", f"{_seconds(raw_many)}, {raw_rate:.0f} writes/s")
    _row("  ratio of the rates", f"{rate / raw_rate:.2f}\n")
    _row("memory of the product, all roles in one process", f"{memory / 1e6:.0f} MB")


def _row(what: str, figure: str) -> None:
    print(f"{what:<52}{figure}")


def _ms(seconds: list[float]) -> str:
    least, middle, most = (value * 1000 for value in (min(seconds), median(seconds), max(seconds)))
    return f"{middle:.0f} ms ({least:.0f}-{most:.0f})"


def _seconds(seconds: list[float]) -> str:
    return f"{median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})"
