"""From what was seen of the controller to what is said: each campaign can also say no."""

import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from tools.chaos import clocks, crash, failover, freeze, outage, rival, streams
from tools.chaos.clocks import Case, Deletion
from tools.chaos.crash import Kill
from tools.chaos.failover import Change
from tools.chaos.freeze import Sleep
from tools.chaos.outage import KILLED, MIB, Return
from tools.chaos.report import Report
from tools.chaos.rival import Fight
from tools.chaos.streams import Trial


def missed(tell: Callable[[Report], None]) -> list[str]:
    report = Report("a campaign")
    tell(report)
    assert report.rows
    return [row.what for row in report.rows if not row.kept]


GOOD_KILL = Kill("new, before request 1", 1.5)


@pytest.mark.parametrize(
    ("kill", "wrong"),
    [
        pytest.param(GOOD_KILL, [], id="all healed"),
        pytest.param(replace(GOOD_KILL, seconds=None), ["kills"], id="nothing was killed"),
        pytest.param(replace(GOOD_KILL, seconds=10.5), ["from the next start until all is right"], id="late"),
        pytest.param(replace(GOOD_KILL, twice=("quota",)), ["objects written twice"], id="written twice"),
        pytest.param(replace(GOOD_KILL, wrong=("x",)), ["orphans and other differences"], id="an orphan"),
    ],
)
def test_a_kill_may_leave_nothing(kill: Kill, wrong: list[str]) -> None:
    found = missed(lambda report: crash.tell(report, "new", [GOOD_KILL, kill]))
    assert found == [f"new: {what}" for what in wrong]


GOOD_FIGHT = Fight(
    seconds=60.0,
    theirs=1200,
    ours=Counter(dict.fromkeys(rival.FOUGHT_OVER, 25)),
    reasons=Counter({"BundleComplete": 1, "Contested": 30}),
    bystander=0.5,
    exact=3.0,
)
QUOTA = rival.FOUGHT_OVER[0]


@pytest.mark.parametrize(
    ("fight", "wrong"),
    [
        pytest.param(GOOD_FIGHT, [], id="a fight as it should be"),
        pytest.param(
            replace(GOOD_FIGHT, ours=GOOD_FIGHT.ours + Counter({QUOTA: 36})),
            ["our writes to resourcequotas"],
            id="a write too many",
        ),
        pytest.param(
            replace(GOOD_FIGHT, ours=Counter({rival.FOUGHT_OVER[1]: 25})),
            ["our writes to resourcequotas"],
            id="given up",
        ),
        pytest.param(
            replace(GOOD_FIGHT, reasons=Counter({"BundleComplete": 30})),
            ["what Provisioned said meanwhile"],
            id="nobody was told",
        ),
        pytest.param(
            replace(GOOD_FIGHT, bystander=5.5),
            ["another namespace meanwhile: exact after"],
            id="another namespace held up",
        ),
        pytest.param(
            replace(GOOD_FIGHT, exact=5.5, wrong=("x",)),
            ["after its end: exact after", "differences left"],
            id="lost",
        ),
    ],
)
def test_a_fight_costs_little_and_is_won(fight: Fight, wrong: list[str]) -> None:
    assert missed(lambda report: rival.tell(report, fight, rival.FULL)) == wrong


GOOD_TRIAL = Trial(hits=3, unexpected=(), noticed=(), seconds=1.0, wrong=())


@pytest.mark.parametrize(
    ("trial", "wrong"),
    [
        pytest.param(GOOD_TRIAL, [], id="nothing missed"),
        pytest.param(replace(GOOD_TRIAL, hits=0), ["times"], id="nothing was done to the stream"),
        pytest.param(replace(GOOD_TRIAL, seconds=10.5), ["exact after"], id="late"),
        pytest.param(replace(GOOD_TRIAL, noticed=(60.0, 76.0)), ["noticed after"], id="noticed late"),
        pytest.param(replace(GOOD_TRIAL, noticed=(60.0, 74.0)), [], id="noticed in time"),
    ],
)
def test_a_spoiled_stream_hides_nothing(trial: Trial, wrong: list[str]) -> None:
    found = missed(lambda report: streams.tell(report, "410", trial))
    assert found == [f"410: {what}" for what in wrong]


def test_a_difference_that_stays_is_judged_on_any_machine() -> None:
    report = Report("a campaign")
    streams.tell(report, "410", replace(GOOD_TRIAL, seconds=120.0, wrong=("payments: lost",)))
    assert [row.speed for row in report.rows if not row.kept] == [False]
    assert report.notes == ["410: payments: lost"]


GOOD_RETURN = Return(KILLED.name, made=20, seconds=2.0, memory=70 * MIB)


@pytest.mark.parametrize(
    ("last", "wrong"),
    [
        pytest.param(GOOD_RETURN, [], id="all caught up"),
        pytest.param(
            replace(GOOD_RETURN, memory=0), ["times the controller ended"], id="the controller ended"
        ),
        pytest.param(replace(GOOD_RETURN, seconds=10.5), [f"{KILLED.name}: exact after"], id="late"),
        pytest.param(replace(GOOD_RETURN, wrong=("x",)), [f"{KILLED.name}: differences left"], id="not all"),
        pytest.param(
            replace(GOOD_RETURN, memory=81 * MIB),
            ["memory after the first and after the last"],
            id="memory grown",
        ),
    ],
)
def test_an_outage_is_survived_and_made_up_for(last: Return, wrong: list[str]) -> None:
    assert missed(lambda report: outage.tell(report, [KILLED], [GOOD_RETURN, last])) == wrong


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        pytest.param(Change(signal.SIGTERM, 1.5, 0), [], id="a quick hand-over"),
        pytest.param(Change(signal.SIGTERM, 2.5, 0), ["SIGTERM: until the other writes"], id="a slow one"),
        pytest.param(Change(signal.SIGKILL, 16.0, 0), [], id="a kill"),
        pytest.param(
            Change(signal.SIGKILL, 17.5, 0), ["SIGKILL: until the other writes"], id="a slow one then"
        ),
        pytest.param(
            Change(signal.SIGTERM, 1.5, 1), ["writes of the old leader after that"], id="two leaders"
        ),
    ],
)
def test_leadership_changes_fast_and_whole(change: Change, wrong: list[str]) -> None:
    good = Change(signal.SIGTERM, 1.0, 0)
    assert missed(lambda report: failover.tell(report, [good, change], 1.0)) == wrong


@pytest.mark.parametrize(
    ("writes", "healed", "wrong"),
    [
        pytest.param(0, 1.0, [], id="a frozen leader that wakes up to nothing"),
        pytest.param(1, 1.0, ["writes by the frozen one from then on"], id="one write too many"),
        pytest.param(0, 10.5, ["exact after the last damage"], id="damage left"),
    ],
)
def test_a_frozen_leader_leads_no_more(writes: int, healed: float, wrong: list[str]) -> None:
    sleep = Sleep(taken=15.0, seconds=60.0, writes=writes, leases=1, others=100)
    assert missed(lambda report: freeze.tell(report, [sleep], healed)) == wrong


RIGHT_END = Deletion("over", 3.0)
OWN = Case("own", own=600)
LEAPT = Case("leapt", server=600)
HALTED = Case("halted", own=9, server=9, ends=False, halts=True)


@pytest.mark.parametrize(
    ("case", "deleted", "halted", "wrong"),
    [
        pytest.param(OWN, [RIGHT_END], False, [], id="what is over, and nothing else"),
        pytest.param(OWN, [RIGHT_END, Deletion("x", -1.0)], False, ["deleted early"], id="one second early"),
        pytest.param(OWN, [], False, ["what is over, deleted"], id="nothing at all"),
        pytest.param(OWN, [replace(RIGHT_END, after=61.0)], False, ["what is over, deleted"], id="too late"),
        pytest.param(OWN, [RIGHT_END], True, ["halted"], id="halted without need"),
        pytest.param(
            LEAPT, [RIGHT_END, Deletion("x", -599.0)], False, [], id="early by no more than the leap"
        ),
        pytest.param(
            LEAPT,
            [RIGHT_END, Deletion("x", -601.0)],
            False,
            ["deleted early by more than 600 s"],
            id="early by more than the leap",
        ),
        pytest.param(HALTED, [], True, [], id="the brake holds"),
        pytest.param(HALTED, [], False, ["halted"], id="the brake is not there"),
        pytest.param(HALTED, [RIGHT_END], True, ["deleted at all"], id="the brake comes late"),
    ],
)
def test_a_wrong_clock_ends_nothing_early(
    case: Case, deleted: Sequence[Deletion], halted: bool, wrong: list[str]
) -> None:
    seen = clocks.Seen("over", deleted, halted)
    found = missed(lambda report: clocks.tell(report, case, seen))
    assert found == [f"{case.name}: {what}" for what in wrong]
