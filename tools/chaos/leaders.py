"""Two controllers of which one leads, and damage that never ends, so that whoever may write has cause to."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tools.chaos import damage, exact
from tools.chaos.apiproxy import Seen
from tools.chaos.cluster import Outcome, Request
from tools.chaos.controllers import LEASE, Controller, Scene
from tools.chaos.pace import Pace
from tools.chaos.report import Report
from tools.chaos.writes import Sender
from tools.controlplane import waiting

NAMESPACES = 5
DAMAGE_RATE = 20.0
"""Damages a second. At this rate each of the 30 objects has its turn every 1.5 s."""

ELECTED_SECONDS = 60.0
EXACT_SECONDS = 10.0
_GONE_ALREADY = (200, 404, 409)


class Damaging:
    """Damages one object after the other; stop its `pace` to end it."""

    def __init__(self, sender: Sender, names: Sequence[str]) -> None:
        self.pace = Pace(DAMAGE_RATE)
        self.outcomes: list[Outcome] = []
        self._sender = sender
        self._requests = _turns(names)

    async def run(self) -> None:
        await self.pace.run(self._damage)

    async def _damage(self, due: float) -> None:
        self.outcomes.append(await self._sender.send(next(self._requests)))


def _turns(names: Sequence[str]) -> Iterator[Request]:
    by_kind = zip(*map(damage.every, names), strict=True)
    requests = (replace(each, wanted=_GONE_ALREADY) for each in itertools.chain.from_iterable(by_kind))
    return itertools.cycle(requests)


def stage(scene: Scene, prefix: str) -> tuple[list[str], list[Controller]]:
    """Namespaces to be damaged, provisioned, and two controllers."""
    names = [f"{prefix}-{number}" for number in range(NAMESPACES)]
    both = [scene.controllers.add(), scene.controllers.add()]
    scene.send(*map(damage.create, names))
    exact.seconds_until(scene.plane, names, since=0, limit=ELECTED_SECONDS)
    return names, both


def leader(both: Sequence[Controller]) -> Controller:
    """The one that leads, when there is exactly one."""
    found: list[Controller] = []

    def one_leads() -> bool:
        found[:] = [each for each in both if each.metric("nsp_leader") == 1]
        return len(found) == 1

    waiting.until(one_leads, "one of them to lead", [each.process for each in both], limit=ELECTED_SECONDS)
    return found[0]


def first_write(controller: Controller, *, since: float, limit: float) -> Seen:
    """Its first write from `since` (monotonic) on."""
    what = f"{controller.process.name} to write"
    waiting.until(lambda: bool(controller.writes(since=since)), what, [controller.process], limit=limit)
    return controller.writes(since=since)[0]


def lease_writes(controller: Controller, *, since: float) -> list[Seen]:
    return [
        each
        for each in controller.seen
        if each.at >= since and each.method != "GET" and each.target.endswith(f"/{LEASE}")
    ]


def tell(report: Report, healed: float) -> None:
    """The last row: whoever led in the end has put all right."""
    kept = healed <= EXACT_SECONDS
    target = f"{EXACT_SECONDS:.0f} s"
    report.check("exact after the last damage", f"{healed:.1f} s", target, kept=kept, speed=True)
