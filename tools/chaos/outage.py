"""The API server or its etcd is away for a while, again and again; the controller stays and catches up.

A killed API server refuses connections; a frozen one (SIGSTOP) takes them and never answers, and one
whose etcd is frozen answers with errors. Namespaces are being made when it begins.
"""

import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.chaos import controllers, damage, exact
from tools.chaos.controllers import Controller, Scene
from tools.chaos.pace import Pace
from tools.chaos.report import Report, percentile
from tools.chaos.writes import Sender
from tools.controlplane import console, waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process

EXACT_SECONDS = 10.0
GIVEN_UP_SECONDS = 120.0
BUSY_SECONDS = 1.0
"""So long are namespaces made before an outage begins."""

GROWTH = 10 * 1024 * 1024
"""Bytes that the controller may have grown by from after the first outage to after the last."""

MIB = 1024 * 1024
LAST_LINES = 5
NOTES = 10


@dataclass(frozen=True, slots=True)
class Outage:
    """How it begins, and how it ends; `end` returns when the plane is ready again."""

    name: str
    begin: Callable[[ControlPlane], None]
    end: Callable[[ControlPlane], None]


def _thaw(name: str) -> Callable[[ControlPlane], None]:
    def end(plane: ControlPlane) -> None:
        plane.resume(name)
        plane.wait_ready()

    return end


KILLED = Outage(
    "API server killed", lambda plane: plane.kill("kube-apiserver"), ControlPlane.restart_apiserver
)
FROZEN = Outage("API server frozen", lambda plane: plane.pause("kube-apiserver"), _thaw("kube-apiserver"))
NO_ETCD = Outage("etcd frozen", lambda plane: plane.pause("etcd"), _thaw("etcd"))


@dataclass(frozen=True, slots=True)
class Size:
    outages: tuple[Outage, ...]  # they take turns
    times: int  # all outages together
    seconds: float  # of each
    rate: float  # namespaces made a second, ahead of each


FULL = Size((KILLED, FROZEN, NO_ETCD), times=20, seconds=60, rate=20)
SHORT = Size((KILLED, NO_ETCD), times=2, seconds=4, rate=10)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    report = Report(f"outage: {size.times} times {size.seconds:.0f} s without API server or etcd")
    returns = []
    with controllers.on(plane, folder) as scene:
        controller = scene.controllers.add(direct=True)
        for outage, number in zip(itertools.cycle(size.outages), range(size.times), strict=False):
            made = Making(scene.cluster, rate=size.rate, prefix=f"outage-{number}")
            returns.append(_endure(scene, controller, outage, made, size.seconds))
            console.say(str(returns[-1]))
            if not controller.process.alive():
                break
    tell(report, size.outages, returns)
    return report


class Making:
    """Makes namespaces until its `pace` is stopped; whether that succeeded, nobody may ever know."""

    def __init__(self, sender: Sender, *, rate: float, prefix: str) -> None:
        self.pace = Pace(rate)
        self.made: list[str] = []
        self._sender = sender
        self._names = (f"{prefix}-{number}" for number in itertools.count())

    async def run(self) -> None:
        await self.pace.run(self._make)

    async def _make(self, due: float) -> None:
        outcome = await self._sender.send(damage.create(next(self._names)))
        if outcome.as_wanted:
            self.made.append(outcome.request.name)


@dataclass(frozen=True, slots=True)
class Return:
    """After one outage: seconds from the plane's readiness until all was exact, or what never was.

    `memory` is the controller's, in bytes, 0 when it has ended; then `words` are its last.
    """

    outage: str
    made: int
    seconds: float
    memory: int
    wrong: Sequence[str] = field(default=(), repr=False)
    words: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.outage}: exact after {self.seconds:.1f} s, {self.memory / MIB:.0f} MiB"


def _endure(scene: Scene, controller: Controller, outage: Outage, making: Making, seconds: float) -> Return:
    busy = scene.background.start(making.run())
    waiting.until(lambda: making.pace.started >= making.pace.rate * BUSY_SECONDS, "load", [])
    outage.begin(scene.plane)
    try:
        making.pace.stop()
        _while_away(controller.process, seconds)
    finally:
        outage.end(scene.plane)
    ready, wrong = time.monotonic(), list[str]()
    busy.result(GIVEN_UP_SECONDS)
    try:
        exact.seconds_until(scene.plane, since=ready, limit=GIVEN_UP_SECONDS, processes=[controller.process])
    except ControlPlaneError:
        wrong = exact.wrong(scene.plane)
    took = time.monotonic() - ready
    process = controller.process
    words = "" if process.alive() else process.tail(LAST_LINES)
    done = Return(outage.name, len(making.made), took, process.rss(), wrong, words)
    scene.send(*map(damage.delete, making.made))
    return done


def _while_away(process: Process, seconds: float) -> None:
    """The time of the outage, or until the controller has ended."""
    end = time.monotonic() + seconds
    waiting.until(
        lambda: time.monotonic() >= end or not process.alive(), "the outage", [], limit=seconds + 30
    )


def tell(report: Report, outages: Sequence[Outage], returns: Sequence[Return]) -> None:
    lost = sum(each.memory == 0 for each in returns)
    report.check("times the controller ended", str(lost), "0", kept=not lost)
    report.notes += [each.words for each in returns if each.words]
    for name in (outage.name for outage in outages):
        ours = [each for each in returns if each.outage == name]
        took = [each.seconds for each in ours]
        report.tell(f"{name}: times, and namespaces made before", f"{len(ours)}, {sum(e.made for e in ours)}")
        most = max(took, default=0.0)
        measured, target = f"p50 {percentile(took, 0.5):.1f}, most {most:.1f} s", f"{EXACT_SECONDS:.0f} s"
        report.check(f"{name}: exact after", measured, target, kept=most <= EXACT_SECONDS, speed=True)
        wrong = [text for each in ours for text in each.wrong]
        report.check(f"{name}: differences left", str(len(wrong)), "0", kept=not wrong)
        report.notes += [f"{name}: {text}" for text in wrong[:NOTES]]
    first, last = (returns[at].memory if returns else 0 for at in (0, -1))
    measured = f"{first / MIB:.0f}, {last / MIB:.0f} MiB"
    kept = last - first <= GROWTH
    report.check("memory after the first and after the last", measured, f"+{GROWTH / MIB:.0f} MiB", kept=kept)
