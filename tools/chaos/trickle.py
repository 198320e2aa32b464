"""A thousand sockets that send one byte a second, beside good reviews: nobody who behaves notices.

The sockets are held by a process of their own. Windows without and with them alternate in one run, so
that both see the same machine; what counts is the ratio of the two.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.chaos.background import Background
from tools.chaos.fleet import ROOT, Fleet, Replica
from tools.chaos.report import Report, percentile, spread
from tools.chaos.reviews import Reviews, Target
from tools.controlplane import waiting
from tools.controlplane.process import Process
from webhook.adapters import pki

RATIO = 2.0
"""What the 99th percentile may grow by."""

GIVEN_UP_SECONDS = 15.0
"""A whole request has to arrive within 10 s; the rest is for a busy machine and the next byte."""

HOLD_SECONDS = 45.0
"""So long may it take until every socket has been opened."""


@dataclass(frozen=True, slots=True)
class Size:
    sockets: int
    rounds: int  # each one window without, and one with the sockets
    window: float  # seconds
    kept_rate: float = 50  # reviews a second on kept connections
    fresh_rate: float = 10  # reviews a second on new connections


FULL = Size(sockets=1000, rounds=3, window=30)
SHORT = Size(sockets=150, rounds=1, window=2)
CROWD = Size(sockets=3000, rounds=1, window=30)
"""Three times as many as the admission pair takes, so that somebody has to give way."""


@dataclass(slots=True)
class Window:
    """What good clients have seen, all windows of a kind together."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    late: int = 0


def main(size: Size) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), size)


def run(folder: Path, size: Size) -> Report:
    """Needs no cluster."""
    ca_file, _, _ = pki.make_pair(folder / "certs", ["127.0.0.1"])
    without, beside = Window(), Window()
    with Background() as background, Fleet(folder, certificates=folder / "certs") as fleet:
        fleet.add()
        [replica] = fleet.serving
        target = Target.at(replica.address, ca_file)
        for number in range(size.rounds):
            _measure(background, target, size, without)
            with _trickling(replica, ca_file, size, folder / f"trickler-{number}.log") as said:
                _measure(background, target, size, beside)
                held = said()
    report = Report(f"trickle: {size.sockets} sockets at one byte a second, {size.rounds} rounds")
    _tell_of_sockets(report, held, size)
    _tell_of_reviews(report, without, beside)
    return report


def _measure(background: Background, target: Target, size: Size, into: Window) -> None:
    kept = Reviews(target, rate=size.kept_rate, fresh=False)
    fresh = Reviews(target, rate=size.fresh_rate, fresh=True)
    with background.under(kept, fresh):
        enough = size.kept_rate * size.window
        limit = 3 * size.window + 30
        waiting.until(lambda: kept.pace.started >= enough, "the window to end", [], limit=limit)
    for reviews in (kept, fresh):
        into.seconds += reviews.seconds
        into.failures += reviews.failures
        into.late += reviews.pace.late


Said = dict[str, Any]
"""The trickler's last line."""


@contextmanager
def _trickling(replica: Replica, ca_file: Path, size: Size, log: Path) -> Iterator[Callable[[], Said]]:
    """Every socket has been opened once when the block begins; the server may have closed some since."""
    argv = [sys.executable, "-m", "tools.chaos.trickler", replica.address, str(ca_file), str(size.sockets)]
    process = Process.spawn("trickler", argv, log=log, cwd=ROOT)

    def said() -> Said:
        lines = [line for line in process.tail(3).splitlines() if line.endswith("}")]
        found: Said = json.loads(lines[-1]) if lines else {"opened": 0}
        return found

    try:
        waiting.until(
            lambda: said()["opened"] >= size.sockets,
            "the sockets to be opened",
            [process],
            limit=HOLD_SECONDS,
        )
        yield said
    finally:
        process.stop(grace=0)


def _tell_of_sockets(report: Report, said: Said, size: Size) -> None:
    report.tell("sockets held at the end, and connections refused", f"{said['held']}, {said['refused']}")
    for phase, longest in said["longest"].items():
        what = f"longest life of a socket in its {phase}, and how many were closed"
        measured = f"{longest:.1f} s, {said['closed'].get(phase, 0)}"
        if size.window > GIVEN_UP_SECONDS:
            report.check(what, measured, f"{GIVEN_UP_SECONDS:.0f} s", kept=longest <= GIVEN_UP_SECONDS)
        else:
            report.tell(what, measured)


def _tell_of_reviews(report: Report, without: Window, beside: Window) -> None:
    for what, window in (("without the sockets", without), ("beside the sockets", beside)):
        report.tell(f"reviews {what}, and those started late", f"{len(window.seconds)}, {window.late}")
        report.tell(f"time of a review {what}", spread(window.seconds))
        failures = window.failures
        report.check(f"failed reviews {what}", str(len(failures)), "0", kept=not failures)
        report.notes += failures[:10]
    ratio = percentile(beside.seconds, 0.99) / percentile(without.seconds, 0.99)
    what = "ratio of the 99th percentiles"
    report.check(what, f"{ratio:.2f}", f"{RATIO:.0f}", kept=ratio <= RATIO, speed=True)
