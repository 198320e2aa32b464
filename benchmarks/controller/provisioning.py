"""How fast namespaces get their bundles: many at once beside the raw rate, and one alone.

The reference writes the same objects and statuses by server-side apply into namespaces that exist
already, from a client that does nothing else, with no product on the plane; as the account that the
controller has, because the API server spends a quarter less on an administrator's writes. Ours includes
the creation of the namespaces, the webhooks, and the watches that it works from. Rounds alternate.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.admission import report
from benchmarks.admission.latency import percentile
from benchmarks.admission.report import Row, spread
from benchmarks.controller import accounts, creating, installation, rawclient, rawgo, readiness
from benchmarks.controller.accounts import CONTROLLER, Account
from benchmarks.controller.creating import IN_FLIGHT, Creator
from benchmarks.controller.rawwrites import WRITES
from tools.chaos import memory
from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from tools.scale import counting, loop
from webhook.adapters.kube import config, resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace
from webhook.core import labels
from webhook.core.model import NamespaceState

RATIO = 1.1
CPU_SECONDS = 0.001
ALONE = {50: 0.100, 99: 0.400}
"""Percentile to seconds."""

WARM_UP = 16
_OURS = {"labelSelector": f"{labels.MANAGED_BY}={labels.MANAGER}"}
_KUBERNETES = ("kube-apiserver", "etcd", "kube-controller-manager")


@dataclass(frozen=True, slots=True)
class Size:
    rounds: int
    namespaces: int
    alone: int


FULL = Size(rounds=3, namespaces=1000, alone=200)
SHORT = Size(rounds=1, namespaces=20, alone=3)


@dataclass(slots=True)
class Figures:
    """A list has one entry for each round, `alone` one for each namespace; times are in seconds."""

    ours: list[float] = field(default_factory=list)
    created: list[float] = field(default_factory=list)
    """Until the last create was answered."""
    raw: list[float] = field(default_factory=list)
    raw_go: list[float] = field(default_factory=list)
    raw_created: list[float] = field(default_factory=list)
    """For the creation of as many namespaces, with nobody to review them."""
    spent: list[Account] = field(default_factory=list)
    raw_spent: list[Account] = field(default_factory=list)
    peak: int = 0
    """Most resident bytes of the controller's process."""
    alone: list[float] = field(default_factory=list)


def main(size: Size) -> int:
    """Measure on a plane of this run's own, and print. A missed target is printed, it is no failure."""
    heading = machine.described()
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        figures = measure(plane, Path(folder), size)
    print(f"{heading}\n")
    report.show(rows(figures, size.namespaces))
    return 0


def measure(plane: ControlPlane, folder: Path, size: Size) -> Figures:
    """Needs the plane to itself."""
    figures = Figures()
    account = _account(plane, folder)
    with creating.connected(plane, folder / "bodies") as creator:
        for turn in range(size.rounds):
            console.say(f"provisioning: round {turn + 1} of {size.rounds}")
            bare = _names(f"bare-{turn}", 2 * size.namespaces)
            sent = creator.create(creator.bodies(bare))  # while nobody provisions
            figures.raw_created.append(sent.seconds / 2)
            loop.run(counting.quiet(plane))
            raw_first = turn % 2 == 0
            if raw_first:
                _write_raw(plane, account, folder, bare, figures)
            with installation.installed(plane, folder / "product") as product:
                last = turn + 1 == size.rounds
                loop.run(_provision(plane, product, creator, turn, size, figures, alone=last))
            if not raw_first:
                _write_raw(plane, account, folder, bare, figures)
    return figures


def _account(plane: ControlPlane, folder: Path) -> Path:
    """The kubeconfig of the controller's account, which stays when the product has gone."""
    with installation.installed(plane, folder / "product") as product:
        return product.kubeconfig("controller")


def _write_raw(
    plane: ControlPlane, account: Path, folder: Path, names: Sequence[str], figures: Figures
) -> None:
    """Half of the namespaces by the client that the controller has, half by the one in Go."""
    half = len(names) // 2
    with rawclient.connected(account) as client:
        spent = accounts.opened(plane, None)
        figures.raw.append(client.write(names[:half]))
        figures.raw_spent.append(spent())
    figures.raw_go.append(rawgo.write(plane, account, folder / f"raw-{names[0]}", names[half:]))


async def _provision(
    plane: ControlPlane,
    product: Product,
    creator: Creator,
    turn: int,
    size: Size,
    figures: Figures,
    *,
    alone: bool,
) -> None:
    async with (
        Transport(await config.load(plane.kubeconfig)) as transport,
        readiness.watching(transport) as ready,
    ):
        warm = _names(f"warm-{turn}", WARM_UP)
        await asyncio.to_thread(creator.create, creator.bodies(warm))
        await ready.of(warm)
        pid = product.processes[CONTROLLER].pid
        memory.forget_peak(pid)
        names = _names(f"many-{turn}", size.namespaces)
        bodies = creator.bodies(names)
        await counting.quiet(plane)
        spent, began = accounts.opened(plane, product), time.perf_counter()
        sent = await asyncio.to_thread(creator.create, bodies)
        figures.ours.append(await ready.of(names) - began)
        figures.spent.append(spent())
        figures.created.append(sent.seconds)
        figures.peak = max(figures.peak, memory.peak(pid))
        await _require_objects(transport, names)
        if alone:
            figures.alone += await _alone(transport, ready, size.alone)


async def _alone(transport: Transport, ready: readiness.Readiness, count: int) -> list[float]:
    """One namespace after another: from the start of its create until it is seen to be ready."""
    seconds = []
    for name in _names("alone", count):
        began = time.perf_counter()
        await transport.create(resources.NAMESPACES.collection, namespace.manifest(name, NamespaceState()))
        seconds.append(await ready.of([name]) - began)
    return seconds


async def _require_objects(transport: Transport, names: Sequence[str]) -> None:
    """A condition is a claim; the objects are what was asked for."""
    wanted, found = set(names), 0
    for resource in resources.BUNDLE.values():
        async for page in transport.pages(resource.collection, _OURS):
            found += sum(item["metadata"]["namespace"] in wanted for item in page["items"])
    expected = len(wanted) * (WRITES - 1)
    if found != expected:
        raise ControlPlaneError(f"{len(wanted)} namespaces are ready with {found} objects, not {expected}")


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def rows(figures: Figures, namespaces: int) -> list[Row]:
    """The table; a ratio is one of two runs of the same round."""
    writes = namespaces * WRITES
    together = [raw + created for raw, created in zip(figures.raw, figures.raw_created, strict=True)]
    per_write = [account[CONTROLLER] / writes for account in figures.spent]
    return [
        Row(
            what=f"{namespaces} namespaces at {IN_FLIGHT} in flight, until the last is complete",
            ours=_seconds(figures.ours),
            reference=_seconds(figures.raw),
            ratio=_ratio(figures.ours, figures.raw),
            target=f"<= {RATIO}",
            met=median(_ratios(figures.ours, figures.raw)) <= RATIO,
        ),
        _beside("  beside the client in Go", figures.ours, figures.raw_go),
        _beside("  beside the writes and the creations, no product there", figures.ours, together),
        Row(
            "  writes a second", f"{writes / median(figures.ours):.0f}", f"{writes / median(figures.raw):.0f}"
        ),
        Row("  until the last create was answered", _seconds(figures.created)),
        Row(
            what="  processor time of the controller a written object",
            ours=spread(per_write, ".2f", unit=" ms", scale=1e3),
            target=f"<= {CPU_SECONDS * 1e3:.0f} ms",
            met=median(per_write) <= CPU_SECONDS,
        ),
        *(_spent_row(name, figures) for name in (*_KUBERNETES, "nsp-admission")),
        Row("  most memory of the controller", f"{figures.peak / 1e6:.0f} MB"),
        *(_alone_row(percent, figures.alone) for percent in ALONE),
    ]


def _beside(what: str, ours: Sequence[float], reference: Sequence[float]) -> Row:
    return Row(what, "", _seconds(reference), _ratio(ours, reference))


def _spent_row(name: str, figures: Figures) -> Row:
    """Steadier than the time on the clock: other work on the machine does not count."""
    ours = [account[name] for account in figures.spent]
    reference = [account[name] for account in figures.raw_spent if name in account]
    return Row(
        what=f"  processor time of {name}",
        ours=_seconds(ours),
        reference=_seconds(reference) if reference else "",
        ratio=f"{median(ours) / median(reference):.2f}" if reference else "",
    )


def _alone_row(percent: int, alone: Sequence[float]) -> Row:
    measured, limit = percentile(list(alone), percent / 100), ALONE[percent]
    return Row(
        what=f"one namespace alone, from create to complete, p{percent}",
        ours=f"{measured * 1e3:.0f} ms",
        target=f"<= {limit * 1e3:.0f} ms",
        met=measured <= limit,
    )


def _ratios(ours: Sequence[float], reference: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours, reference, strict=True)]


def _ratio(ours: Sequence[float], reference: Sequence[float]) -> str:
    return spread(_ratios(ours, reference), ".2f")


def _seconds(values: Sequence[float]) -> str:
    return spread(values, ".2f", unit=" s")
