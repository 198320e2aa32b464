"""The controller is killed at every request of a pass; the next one finishes what is left, no more.

A proxy counts what the controller asks about one namespace. At a chosen request it kills the
controller: before the API server has seen the request, or after its answer and before the controller
has. The Lease of the dead is deleted, so the time until all is right again is reckoned from the start
of the next process.
"""

import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tools.chaos import controllers, damage, exact
from tools.chaos.apiproxy import Cut, Faults, Seen
from tools.chaos.cluster import Request
from tools.chaos.controllers import Scene
from tools.chaos.report import Report, percentile
from tools.controlplane import console, waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

HEALED_SECONDS = 10.0
GIVEN_UP_SECONDS = 60.0
STRUCK_SECONDS = 20.0
"""A request that has not come by then comes no more."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`before` is done and finished ahead of the kill; `work` is what the killed controller was at."""

    name: str
    before: Callable[[str], Sequence[Request]]
    work: Callable[[str], Sequence[Request]]


NEW = Scenario("new namespace", lambda _: [], lambda name: [damage.create(name)])
TIER = Scenario(
    "tier change", lambda name: [damage.create(name)], lambda name: [damage.change_tier(name, "large")]
)
REPAIR = Scenario("repair", lambda name: [damage.create(name)], damage.every)


@dataclass(frozen=True, slots=True)
class Size:
    scenarios: tuple[Scenario, ...]
    every: int = 1
    """Of the boundaries of each scenario, one in so many is tried."""


FULL = Size((NEW, TIER, REPAIR))
SHORT = Size((NEW, TIER, REPAIR), every=9)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    report = Report("crash: the controller killed at every request of a pass, before and after its answer")
    with controllers.on(plane, folder) as scene:
        harness = _Harness(scene)
        for scenario in size.scenarios:
            count = harness.count(scenario)
            boundaries = [(number, late) for number in range(count) for late in (False, True)]
            kills = [harness.kill(scenario, at, late=late) for at, late in boundaries[:: size.every]]
            report.tell(f"{scenario.name}: requests of a pass", str(count))
            tell(report, scenario.name, kills)
    return report


class KillAt(Faults):
    """Transparent until it is armed; from the kill on, nothing more gets through."""

    def __init__(self) -> None:
        self._pid = 0
        self._name = ""
        self._left = -1
        self._late = False
        self._fatal: Seen | None = None
        self.struck = False

    def arm(self, pid: int, name: str, number: int, *, late: bool) -> None:
        """Kill `pid` at its request `number` (from 0) about namespace `name`; `late`: after the answer."""
        self._pid, self._name, self._late, self._left = pid, name, late, number

    def disarm(self) -> None:
        self._left = -1

    async def before(self, seen: Seen) -> web.Response | None:
        if self.struck:
            raise Cut
        if self._left >= 0 and concerns(seen, self._name):
            self._left -= 1
            if self._left < 0:
                self._fatal = seen
                if not self._late:
                    self._strike()
        return None

    async def after(self, seen: Seen) -> None:
        if seen is self._fatal:
            self._strike()

    def _strike(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.struck = True
        raise Cut


def concerns(seen: Seen, name: str) -> bool:
    """Whether a pass over namespace `name` asks this; its events are told aside."""
    parts = seen.target.split("/")
    return not seen.is_watch and name in parts and "events" not in parts


@dataclass(frozen=True, slots=True)
class Kill:
    """What followed one kill. `seconds` is until all was right again, None when nothing was to kill at."""

    where: str
    seconds: float | None
    twice: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


class _Harness:
    """Whoever took over after one kill is the victim of the next."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._names = (f"crash-{number}" for number in itertools.count(1))
        self._start()

    def count(self, scenario: Scenario) -> int:
        """The requests of the whole pass, nobody being killed."""
        name = self._prepare(scenario)
        before = len(self._asked(name))
        self._work(scenario, name)
        self._until_exact(name)
        return len(self._asked(name)) - before

    def kill(self, scenario: Scenario, number: int, *, late: bool) -> Kill:
        where = f"{scenario.name}, {'after' if late else 'before'} request {number + 1}"
        name, dying, before = self._prepare(scenario), self._controller, len(self._controller.seen)
        self._faults.arm(dying.process.pid, name, number, late=late)
        self._work(scenario, name)
        if not self._has_struck():
            self._faults.disarm()
            return Kill(where, None)
        waiting.until(lambda: not dying.process.alive(), "the kill", [])
        self._scene.forget_leader()
        began = time.monotonic()
        self._start()
        seconds = self._until_exact(name) - began
        console.say(f"{where}: {seconds:.1f} s")
        twice = written_twice([*dying.seen[before:], *self._controller.seen], name)
        return Kill(where, seconds, tuple(twice), tuple(exact.wrong(self._scene.plane)))

    def _start(self) -> None:
        self._faults = KillAt()
        self._controller = self._scene.controllers.add(self._faults)

    def _prepare(self, scenario: Scenario) -> str:
        name = next(self._names)
        before = scenario.before(name)
        self._scene.send(*before)
        if before:
            self._until_exact(name)
        return name

    def _work(self, scenario: Scenario, name: str) -> None:
        """All at once, as the controller sees it, so that it is the work of one pass."""
        self._controller.freeze()
        self._scene.send(*scenario.work(name))
        self._controller.thaw()

    def _asked(self, name: str) -> list[Seen]:
        return [each for each in self._controller.seen if concerns(each, name)]

    def _has_struck(self) -> bool:
        try:
            waiting.until(lambda: self._faults.struck, "the request", [], limit=STRUCK_SECONDS)
        except ControlPlaneError:
            return False
        return True

    def _until_exact(self, name: str) -> float:
        """When that was (monotonic)."""
        return exact.seconds_until(self._scene.plane, [name], since=0, limit=GIVEN_UP_SECONDS)


def written_twice(seen: Iterable[Seen], name: str) -> list[str]:
    """The bundle objects that were written more than once; a write that failed has written nothing."""
    within = f"/namespaces/{name}/"
    written = Counter(
        each.target
        for each in seen
        if each.is_write and each.method != "DELETE" and each.succeeded and within in each.target
    )
    return [target for target, times in written.items() if times > 1]


def tell(report: Report, name: str, kills: Sequence[Kill]) -> None:
    """The rows of one scenario."""
    took = [kill.seconds for kill in kills if kill.seconds is not None]
    report.check(f"{name}: kills", str(len(took)), str(len(kills)), kept=len(took) == len(kills))
    most = max(took, default=0.0)
    measured = f"p50 {percentile(took, 0.5):.1f}, most {most:.1f} s"
    target = f"{HEALED_SECONDS:.0f} s"
    what = f"{name}: from the next start until all is right"
    report.check(what, measured, target, kept=most <= HEALED_SECONDS, speed=True)
    for what, found in (
        ("objects written twice", [each for kill in kills for each in kill.twice]),
        ("orphans and other differences", [each for kill in kills for each in kill.wrong]),
    ):
        report.check(f"{name}: {what}", str(len(found)), "0", kept=not found)
    report.notes += [
        f"{kill.where}: {kill}" for kill in kills if kill.seconds is None or kill.twice or kill.wrong
    ]
