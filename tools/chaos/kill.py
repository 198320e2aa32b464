"""Replicas are killed under load: only what they had in hand fails, and the next call is good at once.

Two series. In the first the balancer tries the next endpoint when one refuses, in the second it does
not, and learns of each death up to a second late, as a Service's proxy does: then new connections may
also hit the dead one, whatever we do.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import stage, writes
from tools.chaos.cluster import Cluster, Outcome, Request, namespace
from tools.chaos.pace import Pace
from tools.chaos.report import Report, spread
from tools.chaos.stage import Stage
from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane

SEED = 58
BACK_SECONDS = 1.0
"""A good call has to follow a kill within this."""

LATE_SECONDS = 1.0
"""About how often a kubelet looks for containers that have ended."""

SETTLED_CALLS = 10
"""Good calls between a replacement and the next kill, so that each kill finds a fleet at work."""


@dataclass(frozen=True, slots=True)
class Size:
    replicas: int
    kills: int  # in each series
    rate: float  # calls a second


FULL = Size(replicas=3, kills=100, rate=50)
SHORT = Size(replicas=2, kills=2, rate=25)


class DryRuns:
    """Creations that both hooks review and that leave nothing behind, at a steady rate."""

    def __init__(self, cluster: Cluster, *, rate: float) -> None:
        self.pace = Pace(rate)
        self.outcomes: list[Outcome] = []
        self._cluster = cluster

    async def run(self) -> None:
        await self.pace.run(self._create)

    async def _create(self, due: float) -> None:
        path = f"{writes.COLLECTION}?dryRun=All"
        body = namespace(f"dry-{self.pace.started}", {})
        self.outcomes.append(await self._cluster.send(Request("create", "POST", path, body, (201,))))


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    chance = random.Random(SEED)  # noqa: S311 - reproducible, no secret
    report = Report(f"kill: twice {size.kills} replicas killed at {size.rate:.0f} calls/s")
    with stage.on(plane, folder, replicas=size.replicas, lateness=lambda: 0.0) as scene:
        scene.balancer.redispatch = True
        _series(scene, size, report, "next endpoint tried", strict=True)
        scene.balancer.redispatch = False
        scene.balancer.lateness = lambda: chance.uniform(0, LATE_SECONDS)
        _series(scene, size, report, "dead one kept", strict=False)
    return report


def _series(scene: Stage, size: Size, report: Report, name: str, *, strict: bool) -> None:
    """`strict`: only calls that were under way at a kill may fail."""
    load = DryRuns(scene.cluster, rate=size.rate)
    with scene.background.under(load):
        kills = [_kill(scene, load) for _ in range(size.kills)]
        _settle(scene, load)
    report.tell(f"{name}: calls, and those started late", f"{len(load.outcomes)}, {load.pace}")
    tell(report, name, kills, load.outcomes, strict=strict)


@dataclass(frozen=True, slots=True)
class Kill:
    """From the signal until the process had ended (monotonic)."""

    began: float
    ended: float


def _kill(scene: Stage, load: DryRuns) -> Kill:
    """Returns when a replacement is ready."""
    _settle(scene, load)
    victim = max(scene.fleet.serving, key=lambda replica: scene.balancer.open[replica.address])
    scene.fleet.kill(victim)
    done = Kill(victim.stopping_at, time.monotonic())
    scene.announce()
    scene.fleet.add()
    scene.announce()
    return done


def _settle(scene: Stage, load: DryRuns) -> None:
    """The balancer knows who serves, and calls have been good for a while."""
    truth = tuple(scene.fleet.endpoints)
    waiting.until(lambda: scene.balancer.known == truth, "the balancer to know", [], limit=30)
    begin = len(load.outcomes)

    def settled() -> bool:
        return sum(outcome.as_wanted for outcome in load.outcomes[begin:]) >= SETTLED_CALLS

    waiting.until(settled, "calls to be good again", [], limit=30)


def tell(
    report: Report, series: str, kills: Sequence[Kill], calls: Sequence[Outcome], *, strict: bool
) -> None:
    """The figures of one series."""
    failed = [call for call in calls if not call.as_wanted]
    in_hand = [call for call in failed if any(_under_way(call, kill) for kill in kills)]
    after = len(failed) - len(in_hand)
    report.tell(f"{series}: failed calls that were under way at a kill", str(len(in_hand)))
    what = f"{series}: failed calls that began later"
    if strict:
        report.check(what, str(after), "0", kept=not after)
    else:
        report.tell(what, str(after))
    back = [_back(kill.ended, calls) for kill in kills]
    what, target = f"{series}: time to the next good call", f"{BACK_SECONDS * 1e3:.0f} ms"
    report.check(what, spread(back), target, kept=max(back) <= BACK_SECONDS, speed=True)
    report.notes += [f"{series}: {call}" for call in failed[: writes.NOTES]]


def _under_way(call: Outcome, kill: Kill) -> bool:
    return call.began <= kill.ended and call.ended >= kill.began


def _back(at: float, calls: Sequence[Outcome]) -> float:
    """Seconds from a kill to the end of the first good call that began after it."""
    return min(call.ended for call in calls if call.as_wanted and call.began >= at) - at
