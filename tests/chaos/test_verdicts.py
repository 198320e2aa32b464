"""From what was seen to what is said: each campaign that decides by itself can also say no."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tools.chaos import everyday, kill
from tools.chaos.cluster import Outcome, Request
from tools.chaos.down import DEAD, REFUSAL, Drill
from tools.chaos.kill import Kill
from tools.chaos.report import Report


def missed(report: Report) -> list[str]:
    return [row.what for row in report.rows if not row.kept]


def calls(seen: list[tuple[float, float, int]]) -> list[Outcome]:
    """From when to when each call was under way, and its status."""
    request = Request("create", "POST", "/", None, (201,))
    return [Outcome(request, status, {}, began, ended) for began, ended, status in seen]


LATER = "series: failed calls that began later"
NEXT = "series: time to the next good call"


@pytest.mark.parametrize(
    ("seen", "strict", "wrong"),
    [
        pytest.param([(9, 9.1, 201), (10.1, 10.2, 201)], True, [], id="nothing was under way"),
        pytest.param([(9.9, 10.1, 500), (10.1, 10.2, 201)], True, [], id="what was under way failed"),
        pytest.param([(10.1, 10.2, 500), (10.2, 10.3, 201)], True, [LATER], id="a later call failed"),
        pytest.param([(10.1, 10.2, 500), (10.2, 10.3, 201)], False, [], id="a later call may fail"),
        pytest.param([(10.1, 11.5, 201)], True, [NEXT], id="the next good call came late"),
        pytest.param([(9.9, 10.1, 201), (11, 11.2, 201)], True, [NEXT], id="one from before is not the next"),
    ],
)
def test_a_kill_may_cost_what_was_under_way(
    seen: list[tuple[float, float, int]], strict: bool, wrong: list[str]
) -> None:
    report = Report("a campaign")
    kill.tell(report, "series", [Kill(10.0, 10.02)], calls(seen), strict=strict)
    assert missed(report) == wrong


class World:
    """A cluster in which everything goes as it should, but for `twist`."""

    def __init__(self, twist: Callable[[Outcome], Outcome]) -> None:
        self.down = False
        self._twist = twist

    def send(self, request: Request) -> Outcome:
        return self._twist(self._answer(request))

    def _answer(self, request: Request) -> Outcome:
        status, body = request.wanted[0], {}
        if request.what == "look" and "leaving" in request.path and request.path.count("/") == 4:
            status = 404
        elif self.down and request.what in ("create", "change the tier"):
            status, body = 500, {"message": f"{REFUSAL}: refused"}
        now = time.monotonic()
        return Outcome(request, status, body, now, now + 0.01)


def slow(what: str, seconds: float) -> Callable[[Outcome], Outcome]:
    return lambda seen: replace(seen, ended=seen.began + seconds) if seen.request.what == what else seen


def answered(what: str, status: int, body: Any) -> Callable[[Outcome], Outcome]:
    return lambda seen: replace(seen, status=status, body=body) if seen.request.what == what else seen


REFUSED = "our writes refused, with a clear text"


@pytest.mark.parametrize(
    ("twist", "wrong"),
    [
        pytest.param(lambda seen: seen, [], id="all as it should be"),
        pytest.param(
            answered("change the tier", 200, {}),
            ["our writes refused, with a clear text"],
            id="a write taken",
        ),
        pytest.param(
            answered("change the tier", 500, {"message": "oops"}),
            ["our writes refused, with a clear text"],
            id="a refusal in other words",
        ),
        pytest.param(slow("change the tier", 3.5), ["time of a refusal"], id="a slow refusal"),
        pytest.param(answered("create a node", 500, {}), ["other writes refused"], id="a node refused"),
        pytest.param(slow("create a CRD", 1.5), ["time of another write"], id="a CRD held up"),
        pytest.param(slow("delete", 2.0), ["a namespace's deletion begins"], id="a deletion held up"),
    ],
)
def test_an_outage_may_cost_only_what_is_ours_to_decide(
    twist: Callable[[Outcome], Outcome], wrong: list[str]
) -> None:
    world, report = World(twist), Report("a campaign")
    drill = Drill(DEAD, world.send)
    drill.prepare()
    world.down = True
    drill.endure()
    world.down = False
    drill.heal(time.monotonic())
    drill.tell(report)
    assert missed(report) == [f"dead: {what}" for what in wrong]


def test_each_outage_has_names_of_its_own() -> None:
    one, other = (
        {request.path for request in everyday.writes("tenant", suffix) if request.method == "DELETE"}
        for suffix in ("one", "other")
    )
    assert one
    assert not one & other
