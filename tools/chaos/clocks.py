"""The controller's clock is wrong, or the API server's: nothing is deleted early, and the brake holds.

The controller's own is shifted inside its process; the API server's is what a proxy makes of the Date
of its answers. Each case has a controller of its own, beside many namespaces that last a namespace that is
over and one that soon will be.
"""

import math
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from importlib import resources
from pathlib import Path

import yaml

from tools.chaos import controllers, damage, exact
from tools.chaos.apiproxy import Faults
from tools.chaos.controllers import Controller, Scene
from tools.chaos.report import Report
from tools.controlplane import console, waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from webhook.core import labels, lifetime

MINUTES_10 = 600
YEAR = 365 * 86_400
LATE_SECONDS = 60.0
GIVEN_UP_SECONDS = 90.0

MAX_PERCENT = 20
QUIET = 12
"""Namespaces without an end: the two of a case are then too few to halt for."""

LASTING = ("1h", "30d")
SOON = "5m"
"""A clock that is ten minutes ahead has it over; one that is a year ahead, the lasting ones as well."""

TOLERANCE_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Case:
    """By how many seconds each clock is ahead. `ends`: what is over by the right time is deleted."""

    name: str
    own: int = 0
    server: int = 0
    ends: bool = True
    halts: bool = False

    @property
    def early(self) -> int:
        """Seconds by which a deletion may be early: an API server that is a little ahead is believed."""
        return max(self.server, 0) if self.server <= TOLERANCE_SECONDS else 0


OWN_LATE = Case("own clock -10 min", own=-MINUTES_10)
OWN_YEAR = Case("own clock +1 year", own=YEAR, ends=False)
SERVER_YEAR = Case("API server's clock +1 year", server=YEAR, ends=False)
BOTH_YEAR = Case("both clocks +1 year", own=YEAR, server=YEAR, ends=False, halts=True)


@dataclass(frozen=True, slots=True)
class Size:
    cases: tuple[Case, ...]
    watched: float  # seconds after the first sign of what becomes of the namespaces


FULL = Size(
    (
        Case("own clock +10 min", own=MINUTES_10),
        OWN_LATE,
        OWN_YEAR,
        Case("own clock -1 year", own=-YEAR, ends=False),
        Case("API server's clock +10 min", server=MINUTES_10),
        Case("API server's clock -10 min", server=-MINUTES_10, ends=False),
        SERVER_YEAR,
        BOTH_YEAR,
    ),
    watched=12,
)
SHORT = Size((OWN_LATE, SERVER_YEAR, BOTH_YEAR), watched=1)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    report = Report(f"clocks: {len(size.cases)} ways to be wrong about the time")
    with controllers.on(plane, folder, catalogue=_catalogue(folder)) as scene:
        lifetimes = _Lifetimes(scene)
        lifetimes.crowd()
        for number, case in enumerate(size.cases):
            seen = _live(scene, lifetimes, case, number, size.watched)
            console.say(f"{case.name}: {len(seen.deleted)} deleted")
            tell(report, case, seen)
    return report


def _catalogue(folder: Path) -> Path:
    """The built-in one, but in earnest."""
    document = yaml.safe_load(resources.files("webhook").joinpath("catalogue.yaml").read_text("utf-8"))
    document["expiry"] = {"dryRun": False, "perMinute": 600, "maxPercent": MAX_PERCENT}
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


class WrongDate(Faults):
    """The API server's answers are `seconds` ahead of its clock."""

    def __init__(self, seconds: int) -> None:
        self._ahead = timedelta(seconds=seconds)

    def date(self, text: str) -> str:
        return format_datetime(parsedate_to_datetime(text) + self._ahead, usegmt=True)


@dataclass(frozen=True, slots=True)
class Deletion:
    """How many seconds after its end a namespace was deleted; negative: before."""

    name: str
    after: float


class _Lifetimes:
    """Makes namespaces; `ends` says when each is over, by the right time and on our monotonic clock."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.ends: dict[str, float] = {}

    def crowd(self) -> None:
        """Some without an end, and of those with one so many that not all can be meant to go at once."""
        self._scene.send(*(damage.create(f"clocks-quiet-{number}") for number in range(QUIET)))
        namespaces = self._scene.plane.api.get(f"{damage.COLLECTION}?{exact.OURS}").json()["items"]
        for number in range(len(namespaces) * MAX_PERCENT // (100 - MAX_PERCENT) + 2):
            self.make(f"clocks-lasting-{number}", LASTING[number % len(LASTING)])

    def make(self, name: str, ttl: str) -> None:
        [outcome] = self._scene.send(damage.create(name, **{labels.TTL: ttl}))
        created = datetime.fromisoformat(outcome.body["metadata"]["creationTimestamp"]).timestamp()
        self.ends[name] = created + lifetime.parse(ttl) - time.time() + time.monotonic()

    def deleted(self, controller: Controller, *, since: float) -> list[Deletion]:
        """What was over before `since` is late from then on."""
        found = []
        for each in controller.writes():
            place, _, name = each.target.rpartition("/")
            if each.method == "DELETE" and each.succeeded and place == damage.COLLECTION:
                end = self.ends.get(name, math.inf)
                found.append(Deletion(name, each.at - (end if each.at < end else max(end, since))))
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one case. `over` is the namespace that is over by the right time."""

    over: str
    deleted: Sequence[Deletion]
    halted: bool


def _live(scene: Scene, lifetimes: _Lifetimes, case: Case, number: int, watched: float) -> Seen:
    over, soon = f"clocks-over-{number}", f"clocks-soon-{number}"
    lifetimes.make(over, "1s")
    lifetimes.make(soon, SOON)
    command = (sys.executable, "-m", "tools.chaos.shifted", str(case.own))
    controller = scene.controllers.add(WrongDate(case.server), command=command)
    ready = time.monotonic()

    def deleted() -> list[Deletion]:
        return lifetimes.deleted(controller, since=ready)

    def has_looked() -> bool:
        if case.ends:
            return any(each.name == over for each in deleted())
        if case.halts:
            return controller.metric("nsp_expiry_halted") == 1
        return controller.metric("nsp_clock_offset_seconds") != 0

    with suppress(ControlPlaneError):  # what did not come is told by the rows
        waiting.until(has_looked, "a look at the ends", [controller.process], limit=GIVEN_UP_SECONDS)
    end = time.monotonic() + watched
    waiting.until(lambda: time.monotonic() >= end, "the controller to go on", [controller.process])
    halted = controller.metric("nsp_expiry_halted") == 1
    controller.process.stop()
    scene.send(*(replace(damage.delete(name), wanted=(200, 404, 409)) for name in (over, soon)))
    return Seen(over, deleted(), halted)


def tell(report: Report, case: Case, seen: Seen) -> None:
    """The rows of one case."""
    early = [each for each in seen.deleted if each.after < -case.early]
    what, most = f"{case.name}: deleted early", max([0.0, *(-each.after for each in seen.deleted)])
    if case.early:
        what = f"{what} by more than {case.early} s"
    report.check(what, f"{len(early)} (most: {most:.0f} s)", "0", kept=not early)
    late = next((each.after for each in seen.deleted if each.name == seen.over), None)
    if case.ends:
        measured = "never" if late is None else f"{late:.1f} s late"
        kept = late is not None and late <= LATE_SECONDS
        report.check(f"{case.name}: what is over, deleted", measured, f"{LATE_SECONDS:.0f} s", kept=kept)
    what = f"{case.name}: halted"
    report.check(what, _said(seen.halted), _said(case.halts), kept=seen.halted == case.halts)
    if case.halts:
        count = len(seen.deleted)
        report.check(f"{case.name}: deleted at all", str(count), "0", kept=not count)
    report.notes += [f"{case.name}: {each}" for each in early]


def _said(yes: bool) -> str:
    return "yes" if yes else "no"
