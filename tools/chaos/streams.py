"""Lists and watches are spoiled in every way while namespaces change; in the end nothing was missed.

A proxy between controller and API server does it, one way after the other, each with a controller of
its own. While it does, and after the last change, the state becomes exact again.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import controllers, damage, exact, streamfaults
from tools.chaos.churn import Churn
from tools.chaos.cluster import Outcome
from tools.chaos.controllers import Controller, Scene
from tools.chaos.report import Report
from tools.chaos.streamfaults import StreamFaults
from tools.controlplane import console, waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

SEED = 67
EXACT_SECONDS = 10.0
GIVEN_UP_SECONDS = 120.0

LAST_CHANGES = 10
"""Before so many each fault is done a second time: what it hides, no later change brings to light."""

NOTES = 10
NOTICED_SECONDS = 75.0
"""For a watch that has fallen silent to be opened anew."""

Makers = Mapping[str, Callable[[], StreamFaults]]

QUICK: Makers = {
    "410 inside a stream": streamfaults.Expired,
    "stream ended": streamfaults.Ended,
    "event cut in two": streamfaults.CutLine,
    "events twice": streamfaults.Doubled,
    "events in another order": streamfaults.Swapped,
    "a long event": streamfaults.Long,
    "an event too long": streamfaults.TooLong,
    "a line that is no event": streamfaults.Garbage,
    "503 with a page of HTML": streamfaults.Html503,
    "streamed lists refused": streamfaults.NoWatchList,
    "410 between two pages of a list": streamfaults.PageExpired,
}
SLOW: Makers = {
    "silence": streamfaults.Silent,
    "end of a streamed list never told": streamfaults.WatchListIgnored,
}
"""What only time tells: these are noticed when nothing has come for long."""

_SHORT = (
    "410 inside a stream",
    "event cut in two",
    "events twice",
    "events in another order",
    "503 with a page of HTML",
    "410 between two pages of a list",
)


@dataclass(frozen=True, slots=True)
class Size:
    namespaces: int  # six objects each
    rate: float  # changes a second
    seconds: float  # of changes under each fault
    faults: Makers


FULL = Size(namespaces=170, rate=20, seconds=15, faults={**QUICK, **SLOW})
SHORT = Size(namespaces=8, rate=10, seconds=0.5, faults={what: QUICK[what] for what in _SHORT})


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    report = Report(
        f"streams: {size.namespaces} namespaces, {size.rate:.0f} changes/s, each fault for {size.seconds:g} s"
    )
    names = [f"streams-{number}" for number in range(size.namespaces)]
    with controllers.on(plane, folder) as scene:
        scene.send(*map(damage.create, names))
        for number, (what, make) in enumerate(size.faults.items()):
            controller = scene.controllers.add()  # one that has learned nothing from other faults
            exact.seconds_until(plane, since=0, limit=GIVEN_UP_SECONDS)
            churn = Churn(scene.cluster, names, rate=size.rate, seed=SEED + number)
            trial = _endure(scene, controller, make(), churn, size)
            controller.process.stop()
            names = churn.alive
            tell(report, what, trial)
            console.say(f"{what}: exact after {trial.seconds:.1f} s")
    return report


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault. `noticed` are the seconds after which silent watches were opened anew.

    `seconds` are those from the last change, or that opening, until all was exact; or `wrong` says what
    never was.
    """

    hits: int
    unexpected: Sequence[Outcome]
    noticed: Sequence[float]
    seconds: float
    wrong: Sequence[str]


def _endure(scene: Scene, controller: Controller, faults: StreamFaults, churn: Churn, size: Size) -> Trial:
    assert controller.proxy is not None
    controller.proxy.faults = faults
    scene.background.call(controller.proxy.end_watches())
    enough = size.rate * size.seconds
    with scene.background.under(churn):
        _until_changed(churn, max(enough / 2, enough - LAST_CHANGES), controller)
        faults.again()
        _until_changed(churn, enough, controller)
    ended = time.monotonic()
    noticed = _noticed(controller, faults)
    since = max([ended, *(faults.stalled[path] + seconds for path, seconds in noticed.items())])
    wrong: list[str] = []
    try:
        exact.seconds_until(scene.plane, since=since, limit=GIVEN_UP_SECONDS, processes=[controller.process])
    except ControlPlaneError:
        wrong = exact.wrong(scene.plane)
    seconds = time.monotonic() - since
    return Trial(sum(faults.hits.values()), churn.unexpected, list(noticed.values()), seconds, wrong)


def _until_changed(churn: Churn, times: float, controller: Controller) -> None:
    waiting.until(lambda: churn.pace.started >= times, "the changes", [controller.process])


def _noticed(controller: Controller, faults: StreamFaults) -> dict[str, float]:
    """By path, how long after a watch had fallen silent the controller asked anew."""
    found: dict[str, float] = {}

    def all_are() -> bool:
        for path, since in dict(faults.stalled).items():
            later = [each.at - since for each in controller.seen if each.path == path and each.at > since]
            found.update({path: later[0]} if later else {})
        return len(found) == len(faults.stalled)

    what = "silent watches to be opened anew"
    waiting.until(all_are, what, [controller.process], limit=GIVEN_UP_SECONDS)
    return found


def tell(report: Report, what: str, trial: Trial) -> None:
    """The rows of one fault."""
    report.check(f"{what}: times", str(trial.hits), "1 or more", kept=trial.hits > 0)
    if trial.noticed:
        longest = max(trial.noticed)
        target, kept = f"{NOTICED_SECONDS:.0f} s", longest <= NOTICED_SECONDS
        report.check(f"{what}: noticed after", f"{longest:.1f} s", target, kept=kept)
    target, kept = f"{EXACT_SECONDS:.0f} s", trial.seconds <= EXACT_SECONDS
    report.check(f"{what}: exact after", f"{trial.seconds:.1f} s", target, kept=kept, speed=not trial.wrong)
    bad = trial.unexpected
    report.check(f"{what}: changes that failed", str(len(bad)), "0", kept=not bad)
    report.notes += [f"{what}: {each}" for each in (*trial.wrong[:NOTES], *bad[:NOTES])]
