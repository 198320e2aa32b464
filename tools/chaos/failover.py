"""The leading controller is ended, in good order and at once; the other goes on with its work.

Damage is done all the time, so that the first write of the successor comes as soon as it may.
"""

import os
import signal
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
TARGETS = {signal.SIGTERM: 2.0, signal.SIGKILL: 17.0}
"""Seconds from the signal to the first write of the other."""


@dataclass(frozen=True, slots=True)
class Size:
    signals: tuple[signal.Signals, ...]


FULL = Size((signal.SIGTERM, signal.SIGKILL) * 10)
SHORT = Size((signal.SIGTERM,))
"""SIGKILL costs the life of a Lease, which tests/e2e waits for already."""


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    report = Report(f"failover: the leader ended {len(size.signals)} times under damage")
    with controllers.on(plane, folder) as scene:
        names, both = leaders.stage(scene, "failover")
        load = leaders.Damaging(scene.cluster, names)
        changes = []
        with scene.background.under(load):
            for number in size.signals:
                changes.append(_end(both, number))
                console.say(str(changes[-1]))
                both = [each for each in both if each.process.alive()] + [scene.controllers.add()]
        since = time.monotonic()
        healed = exact.seconds_until(plane, names, since=since, limit=GIVEN_UP_SECONDS)
    tell(report, changes, healed)
    return report


@dataclass(frozen=True, slots=True)
class Change:
    """One change of leader. `late` are the writes of the old one from the first of the new one on."""

    number: signal.Signals
    seconds: float
    late: int

    def __str__(self) -> str:
        return f"{self.number.name}: {self.seconds:.2f} s, {self.late} late writes"


def _end(both: Sequence[Controller], number: signal.Signals) -> Change:
    old = leaders.leader(both)
    [new] = [each for each in both if each is not old]
    at = time.monotonic()
    os.kill(old.process.pid, number)
    first = leaders.first_write(new, since=at, limit=GIVEN_UP_SECONDS)
    waiting.until(lambda: not old.process.alive(), "the old leader to end", [], limit=GIVEN_UP_SECONDS)
    return Change(number, first.at - at, len(old.writes(since=first.at)))


def tell(report: Report, changes: Sequence[Change], healed: float) -> None:
    for number, limit in TARGETS.items():
        took = [change.seconds for change in changes if change.number is number]
        if not took:
            continue
        measured = f"p50 {percentile(took, 0.5):.2f}, most {max(took):.2f} s ({len(took)} times)"
        what, kept = f"{number.name}: until the other writes", max(took) <= limit
        report.check(what, measured, f"{limit:.0f} s", kept=kept, speed=True)
    late = sum(change.late for change in changes)
    report.check("writes of the old leader after that", str(late), "0", kept=not late)
    leaders.tell(report, healed)
