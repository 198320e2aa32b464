"""All replicas are replaced again and again while namespaces are written; no call fails, nothing slips by.

The rolling replacement is a Deployment's (one more than wanted, never one less): a new replica becomes
ready, an old one gets SIGTERM, and so on without waiting for the old ones to end. The balancer learns
of each change up to 5 s late, so that new connections still come to replicas that are stopping.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tools.chaos import hooks, stage, writes
from tools.chaos.balancer import Dial
from tools.chaos.fleet import Replica
from tools.chaos.report import Report
from tools.chaos.stage import Stage
from tools.controlplane import console, waiting
from tools.controlplane.plane import ControlPlane

SEED = 56
END_SECONDS = 120.0
"""A replica that has not ended this long after SIGTERM is stuck."""


@dataclass(frozen=True, slots=True)
class Size:
    replicas: int
    rollouts: int
    rate: float  # writes a second
    lateness: tuple[float, float]  # seconds, least and most
    flags: tuple[str, ...] = ()  # for `nsp serve`


FULL = Size(replicas=3, rollouts=20, rate=50, lateness=(0, 5))
SHORT = Size(
    replicas=2, rollouts=1, rate=25, lateness=(1, 1), flags=("--drain-quiet", "2", "--drain-grace", "10")
)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    chance = random.Random(SEED)  # noqa: S311 - reproducible, no secret

    def lateness() -> float:
        return chance.uniform(*size.lateness)

    with stage.on(plane, folder, replicas=size.replicas, lateness=lateness, flags=size.flags) as scene:
        before = hooks.failed_calls(plane)
        load = writes.Writes(scene.cluster, rate=size.rate, seed=SEED)
        retired: list[Retired] = []
        took: list[float] = []
        with scene.background.under(load):
            while len(took) < size.rollouts:
                began = time.monotonic()
                retired += _replace_all(scene)
                took.append(time.monotonic() - began)
                bad = sum(not outcome.as_wanted for outcome in load.outcomes)
                console.say(f"rollout {len(took)}: {took[-1]:.1f} s; {bad} bad answers so far")
        failed = hooks.failed_calls(plane).since(before)
        stored = plane.api.get(writes.COLLECTION).json()["items"]
    report = Report(f"rollout: {size.rollouts} complete rollouts at {size.rate:.0f} writes/s")
    report.tell("time of a rollout, until the last old replica has ended", _seconds(took))
    _tell_of_replicas(report, retired, scene.balancer.dials)
    writes.tell(report, load)
    hooks.tell(report, failed)
    seen = [*writes.created(load.outcomes), *stored]
    passed = {*writes.taken(load.outcomes), *writes.unvalidated(seen)}
    report.check("objects that were not validated", str(len(passed)), "0", kept=not passed)
    return report


@dataclass(frozen=True, slots=True)
class Retired:
    """An old replica: when it got SIGTERM (monotonic), how long it then took, and how it ended."""

    address: str
    stopping_at: float
    seconds: float
    exit_code: int | None


def _replace_all(scene: Stage) -> list[Retired]:
    """Returns when all that were old have ended."""
    old = list(scene.fleet.serving)
    for replica in old:
        scene.fleet.add()
        scene.announce()
        scene.fleet.retire(replica)
        scene.announce()
    ended: dict[str, Retired] = {}

    def all_ended() -> bool:
        for replica in old:
            if replica.address not in ended and not replica.process.alive():
                ended[replica.address] = _retired(replica)
        return len(ended) == len(old)

    waiting.until(all_ended, "the old replicas to end", [], limit=END_SECONDS)
    return list(ended.values())


def _retired(replica: Replica) -> Retired:
    seconds = time.monotonic() - replica.stopping_at
    return Retired(replica.address, replica.stopping_at, seconds, replica.process.exit_code())


def _tell_of_replicas(report: Report, retired: Sequence[Retired], dials: Sequence[Dial]) -> None:
    report.tell("time of a replica from SIGTERM to its end", _seconds([each.seconds for each in retired]))
    stuck = sum(each.exit_code != 0 for each in retired)
    report.check("replicas that ended with an error", str(stuck), "0", kept=not stuck)
    stopping_at = {each.address: each.stopping_at for each in retired}
    late = sum(dial.at > stopping_at.get(dial.endpoint, dial.at) for dial in dials)
    report.tell("new connections, and those to replicas that were stopping", f"{len(dials)}, {late}")
    nobody = sum(not dial.taken for dial in dials)
    report.check("new connections that nobody took", str(nobody), "0", kept=not nobody)


def _seconds(values: Sequence[float]) -> str:
    return f"{median(values):.1f} s ({min(values):.1f}-{max(values):.1f})"
