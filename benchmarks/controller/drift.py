"""How long damage to an object of a bundle lasts: one after another, and all at once.

Every kind is damaged in every way, by several administrators (the policies refuse everybody else); no
object more than once in each series. Seen by a watch, from the answer to the damaging call until the
object is exactly what it was.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.admission import report
from benchmarks.admission.report import Row
from benchmarks.controller import creating, installation, readiness
from tools.chaos.report import percentile
from tools.controlplane import console
from tools.controlplane.plane import ControlPlane
from tools.scale import bundles, catalogues, client, damage, loop, repairs, witness
from tools.scale.client import Client
from tools.scale.repairs import Repair
from webhook.adapters.kube import config
from webhook.adapters.kube.transport import Transport
from webhook.core.model import key_of

TARGETS = {"one after another": {50: 0.050, 99: 0.250}, "all at once": {99: 2.0}}
"""Series to percentile to seconds."""


@dataclass(frozen=True, slots=True)
class Size:
    namespaces: int
    damages: int  # in each series


FULL = Size(namespaces=200, damages=1000)
SHORT = Size(namespaces=8, damages=28)

Series = dict[str, list[Repair]]


def main(size: Size) -> int:
    """Measure on a plane of this run's own, and print. A missed target is printed, it is no failure."""
    heading = machine.described()
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        series = measure(plane, Path(folder), size)
    print(f"{heading}\n")
    report.show(rows(series))
    return 0


def measure(plane: ControlPlane, folder: Path, size: Size) -> Series:
    """Needs the plane to itself."""
    catalogue = catalogues.write(folder / "catalogue.json", extra=True)
    client.grant_admins(plane)
    with (
        installation.installed(plane, folder / "product", catalogue=catalogue),
        creating.connected(plane, folder / "bodies") as creator,
    ):
        names = [f"drift-{number}" for number in range(size.namespaces)]
        return loop.run(_measure(plane, creator, names, size.damages))


async def _measure(
    plane: ControlPlane, creator: creating.Creator, names: Sequence[str], damages: int
) -> Series:
    async with Transport(await config.load(plane.kubeconfig)) as transport, Client(plane) as hands:
        async with readiness.watching(transport) as ready:
            await asyncio.to_thread(creator.create, creator.bodies(names))
            await ready.of(names)
        keys = [key_of(manifest) for manifest in await bundles.of(hands, names[0])]
        async with witness.watching(transport) as seen:
            console.say(f"drift: {damages} damages one after another")
            single = damage.spread(names, keys, damages, seed=1)
            one_by_one = await repairs.one_by_one(hands, seen, single)
            console.say(f"drift: {damages} damages at once")
            many = damage.spread(names, keys, damages, seed=2)
            return {"one after another": one_by_one, "all at once": await repairs.at_once(hands, seen, many)}


def rows(series: Series) -> list[Row]:
    return [row for name, found in series.items() for row in _rows(name, found)]


def _rows(name: str, found: Sequence[Repair]) -> list[Row]:
    repaired = [repair.seconds for repair in found if repair.seconds is not None]
    return [
        Row(
            what=f"damages repaired, {name}",
            ours=f"{len(repaired)} of {len(found)}",
            target="all",
            met=len(repaired) == len(found),
        ),
        *(
            Row(
                what=f"  from the damage to the repair, p{percent}",
                ours=_ms(percentile(repaired, percent / 100)),
                target=f"<= {_ms(limit)}",
                met=percentile(repaired, percent / 100) <= limit,
            )
            for percent, limit in TARGETS[name].items()
        ),
        Row("  slowest", _ms(max(repaired, default=0.0))),
        Row("  of the damaging calls themselves, p50", _ms(percentile([one.call for one in found], 0.5))),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"
