"""Somebody changes what we keep, ten times a second; we give in to no race, and win in the end.

The rival patches a quota and a network policy. Our writes to them are counted by the proxy in front
of the controller. Whoever looks at the namespace meanwhile is told what goes on.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.chaos import controllers, damage, exact
from tools.chaos.cluster import Outcome
from tools.chaos.controllers import Controller, Scene
from tools.chaos.pace import Pace
from tools.chaos.report import Report
from tools.chaos.writes import Sender
from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from webhook.codec import namespace as namespaces

WRITES_A_SECOND = 1.0
EXACT_SECONDS = 5.0
GIVEN_UP_SECONDS = 120.0
NAME, BYSTANDER = "rival-contested", "rival-bystander"
FOUGHT_OVER = (damage.quota(NAME), damage.network_policy(NAME))
NOTES = 10


@dataclass(frozen=True, slots=True)
class Size:
    rate: float  # changes of each object a second
    seconds: float
    burst: int  # writes that may come on top, since a short fight is little more than its quick beginning
    peace: bool  # whether to wait until nothing is said of the fight any more, which takes a minute


FULL = Size(rate=10, seconds=60, burst=0, peace=True)
SHORT = Size(rate=10, seconds=10, burst=10, peace=False)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    report = Report(f"rival: two objects changed {size.rate:.0f} times a second for {size.seconds:.0f} s")
    with controllers.on(plane, folder) as scene:
        controller = scene.controllers.add()
        scene.send(damage.create(NAME))
        exact.seconds_until(plane, [NAME], since=0, limit=GIVEN_UP_SECONDS)
        tell(report, _fight(scene, controller, size), size)
        if size.peace:
            began = time.monotonic()
            waiting.until(lambda: _reason(plane) != exact.CONTESTED, "peace", [], limit=GIVEN_UP_SECONDS)
            report.tell("until nothing is said of it any more", f"{time.monotonic() - began:.0f} s")
    return report


class Rival:
    """Changes both objects, each time to something else; stop its `pace` to end it."""

    def __init__(self, sender: Sender, name: str, *, rate: float) -> None:
        self.pace = Pace(rate)
        self.outcomes: list[Outcome] = []
        self._sender = sender
        self._name = name

    async def run(self) -> None:
        await self.pace.run(self._change)

    async def _change(self, due: float) -> None:
        turn = self.pace.started
        for request in (damage.raise_quota(self._name, 1000 + turn), damage.open_policy(self._name, turn)):
            self.outcomes.append(await self._sender.send(request))


@dataclass(frozen=True, slots=True)
class Fight:
    """`ours` counts our writes by object, over `seconds`, failed ones too; `reasons` how often each was seen.

    `exact` are the seconds from its end until all was right, `bystander` those that another namespace
    took to be provisioned in the midst of it.
    """

    seconds: float
    theirs: int
    ours: Counter[str]
    reasons: Counter[str]
    bystander: float
    exact: float
    wrong: Sequence[str] = field(default=(), repr=False)


def _fight(scene: Scene, controller: Controller, size: Size) -> Fight:
    rival = Rival(scene.cluster, NAME, rate=size.rate)
    reasons: Counter[str] = Counter()

    def over() -> bool:
        reasons[_reason(scene.plane)] += 1
        return time.monotonic() >= began + size.seconds

    with scene.background.under(rival):
        began = time.monotonic()
        scene.send(damage.create(BYSTANDER))
        since = time.monotonic()
        bystander = exact.seconds_until(scene.plane, [BYSTANDER], since=since, limit=GIVEN_UP_SECONDS)
        waiting.until(over, "the fight", [controller.process], limit=size.seconds + 30)
    ended, wrong = time.monotonic(), list[str]()
    ours = Counter(each.target for each in controller.writes(since=began) if each.target in FOUGHT_OVER)
    try:
        exact.seconds_until(scene.plane, [NAME], since=ended, limit=GIVEN_UP_SECONDS)
    except ControlPlaneError:
        wrong = exact.wrong(scene.plane, [NAME])
    done = sum(outcome.as_wanted for outcome in rival.outcomes)
    return Fight(ended - began, done, ours, reasons, bystander, time.monotonic() - ended, wrong)


def _reason(plane: ControlPlane) -> str:
    condition = namespaces.provisioned(plane.api.get(f"{damage.COLLECTION}/{NAME}").json())
    return condition.reason if condition else ""


def tell(report: Report, fight: Fight, size: Size) -> None:
    report.tell("changes by the rival", str(fight.theirs))
    for target in FOUGHT_OVER:
        count = fight.ours[target]
        most = WRITES_A_SECOND * fight.seconds + size.burst
        measured = f"{count} in {fight.seconds:.0f} s ({count / fight.seconds:.2f}/s)"
        what, kept = f"our writes to {target.split('/')[-2]}", 0 < count <= most
        report.check(what, measured, f"{most:.0f}", kept=kept)
    told = ", ".join(f"{reason} {times} times" for reason, times in fight.reasons.items())
    report.check(
        "what Provisioned said meanwhile", told, exact.CONTESTED, kept=exact.CONTESTED in fight.reasons
    )
    limit = f"{EXACT_SECONDS:.0f} s"
    for what, seconds in (("another namespace meanwhile", fight.bystander), ("after its end", fight.exact)):
        kept = seconds <= EXACT_SECONDS
        report.check(f"{what}: exact after", f"{seconds:.1f} s", limit, kept=kept, speed=True)
    report.check("differences left", str(len(fight.wrong)), "0", kept=not fight.wrong)
    report.notes += fight.wrong[:NOTES]
