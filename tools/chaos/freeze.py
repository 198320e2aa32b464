"""The leading controller is frozen until another leads, and thawed; it writes nothing from then on.

SIGSTOP stops it wherever it is: between two writes, or with one in hand. Damage is done all the time,
so when it wakes up it finds a backlog of cause to write.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import controllers, exact, leaders
from tools.chaos.controllers import Controller
from tools.chaos.report import Report, percentile
from tools.controlplane import console, waiting
from tools.controlplane.plane import ControlPlane

GIVEN_UP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    times: int
    frozen: float  # seconds at least
    thawed: float  # seconds under observation


FULL = Size(times=5, frozen=60, thawed=20)
SHORT = Size(times=1, frozen=0, thawed=3)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    report = Report(
        f"freeze: the leader frozen {size.times} times, for {size.frozen:.0f} s or until another leads"
    )
    with controllers.on(plane, folder) as scene:
        names, both = leaders.stage(scene, "freeze")
        load = leaders.Damaging(scene.cluster, names)
        sleeps = []
        with scene.background.under(load):
            for _ in range(size.times):
                sleeps.append(_freeze(both, size))
                console.say(str(sleeps[-1]))
        since = time.monotonic()
        healed = exact.seconds_until(plane, names, since=since, limit=GIVEN_UP_SECONDS)
    tell(report, sleeps, healed)
    return report


@dataclass(frozen=True, slots=True)
class Sleep:
    """`taken` are the seconds until the other wrote; from then on, `writes` and `leases` are the first one's.

    `others` are the writes of the other meanwhile, and `seconds` is how long all of it took.
    """

    taken: float
    seconds: float
    writes: int
    leases: int
    others: int

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s: {self.writes} writes by the frozen one, {self.others} by the other"


def _freeze(both: Sequence[Controller], size: Size) -> Sleep:
    frozen = leaders.leader(both)
    [other] = [each for each in both if each is not frozen]
    at = time.monotonic()
    frozen.freeze()
    try:
        first = leaders.first_write(other, since=at, limit=GIVEN_UP_SECONDS).at
        _wait_until(at + size.frozen)
    finally:
        frozen.thaw()
    _wait_until(time.monotonic() + size.thawed)
    return Sleep(
        taken=first - at,
        seconds=time.monotonic() - at,
        writes=len(frozen.writes(since=first)),
        leases=len(leaders.lease_writes(frozen, since=first)),
        others=len(other.writes(since=first)),
    )


def _wait_until(moment: float) -> None:
    limit = moment - time.monotonic() + GIVEN_UP_SECONDS
    waiting.until(lambda: time.monotonic() >= moment, "time to pass", [], limit=limit)


def tell(report: Report, sleeps: Sequence[Sleep], healed: float) -> None:
    taken = [sleep.taken for sleep in sleeps]
    report.tell("until the other wrote", f"p50 {percentile(taken, 0.5):.1f}, most {max(taken):.1f} s")
    report.tell("writes of the other meanwhile", str(sum(sleep.others for sleep in sleeps)))
    writes, leases = sum(sleep.writes for sleep in sleeps), sum(sleep.leases for sleep in sleeps)
    report.check("writes by the frozen one from then on", str(writes), "0", kept=not writes)
    report.tell("its writes to the Lease", str(leases))
    leaders.tell(report, healed)
