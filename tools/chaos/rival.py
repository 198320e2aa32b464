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
NOTES = 10


@dataclass(frozen=True, slots=True)
class Size:
    rate: float  # changes of each object a second
    seconds: float


FULL = Size(rate=10, seconds=60)
SHORT = Size(rate=10, seconds=10)


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    report = Report(f"rival: two objects changed {size.rate:.0f} times a second for {size.seconds:.0f} s")
    with controllers.on(plane, folder) as scene:
        controller = scene.controllers.add()
        scene.send(damage.create(NAME))
        exact.seconds_until(plane, [NAME], since=0, limit=GIVEN_UP_SECONDS)
        tell(report, _fight(scene, controller, size))
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
    """`ours` counts our writes by object, over `seconds`; `reasons` are those of Provisioned, by length.

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
    ours = Counter(each.target for each in controller.writes(since=began) if each.target in _FOUGHT_OVER)
    try:
        exact.seconds_until(scene.plane, [NAME], since=ended, limit=GIVEN_UP_SECONDS)
    except ControlPlaneError:
        wrong = exact.wrong(scene.plane, [NAME])
    done = sum(outcome.as_wanted for outcome in rival.outcomes)
    return Fight(ended - began, done, ours, reasons, bystander, time.monotonic() - ended, wrong)


_FOUGHT_OVER = (damage.quota(NAME), damage.network_policy(NAME))


def _reason(plane: ControlPlane) -> str:
    condition = namespaces.provisioned(plane.api.get(f"{damage.COLLECTION}/{NAME}").json())
    return condition.reason if condition else ""


def tell(report: Report, fight: Fight) -> None:
    report.tell("changes by the rival", str(fight.theirs))
    for target in _FOUGHT_OVER:
        count = fight.ours[target]
        rate, kind = count / fight.seconds, target.split("/")[-2]
        measured = f"{rate:.2f} ({count} in {fight.seconds:.0f} s)"
        what, target = f"our writes a second to {kind}", f"{WRITES_A_SECOND:.0f}"
        report.check(what, measured, target, kept=0 < rate <= WRITES_A_SECOND)
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
