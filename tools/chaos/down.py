"""Everything of ours is dead, then frozen: only what is ours to decide is refused, and all heals alone.

A dead process refuses connections at once; a frozen one (SIGSTOP) takes them and never answers, which
costs each hook its timeout of 3 s.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import everyday, hooks
from tools.chaos.background import Background
from tools.chaos.cluster import Cluster, Outcome, Request, namespace
from tools.chaos.report import Report, spread
from tools.chaos.writes import COLLECTION, create
from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from webhook.core import labels

ROLES = ("admission", "controller", "api")
UNHINDERED_SECONDS = 1.0
GONE_SECONDS = 60.0
"""For the deletion of a namespace to finish, which takes the cluster itself some seconds."""

HEALED_SECONDS = 10.0
REFUSAL = 'failed calling webhook "validate.ns-provisioner.io"'


@dataclass(frozen=True, slots=True)
class Outage:
    """`refused` and `deleted` are how long a refusal, and the start of a deletion, may take (seconds)."""

    name: str
    begin: Callable[[Product], None]
    end: Callable[[Product], None]
    refused: float
    deleted: float


def _kill(product: Product) -> None:
    for process in product.processes.values():
        process.stop(grace=0)


def _restart(product: Product) -> None:
    """As a kubelet does it; nobody registers anything anew."""
    for role in ROLES:
        product.run(role)


def _freeze(product: Product) -> None:
    for process in product.processes.values():
        process.pause()


def _thaw(product: Product) -> None:
    for process in product.processes.values():
        process.resume()


DEAD = Outage("dead", _kill, _restart, refused=3.0, deleted=UNHINDERED_SECONDS)
FROZEN = Outage("frozen", _freeze, _thaw, refused=7.0, deleted=4.0)
"""Mutation and validation wait 3 s each; the review of a deletion waits once and is then passed over."""

FULL = (DEAD, FROZEN)
SHORT = (FROZEN,)
"""What is dead, tests/e2e has already, if for fewer kinds of writes."""


def main(outages: Sequence[Outage]) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), outages)


def run(plane: ControlPlane, folder: Path, outages: Sequence[Outage]) -> Report:
    """Needs the plane to itself, and leaves it without webhooks."""
    report = Report(f"down: everything of ours is {', then '.join(outage.name for outage in outages)}")
    with Background() as background, hooks.none_left(plane):
        product = Product.start(plane, folder, processes=ROLES)
        cluster = Cluster(plane)
        background.call(cluster.open())
        try:
            for outage in outages:
                drill = Drill(outage, lambda request: background.call(cluster.send(request)))
                drill.prepare()
                outage.begin(product)
                drill.endure()
                began = time.monotonic()
                outage.end(product)
                drill.heal(began)
                drill.tell(report)
        finally:
            background.call(cluster.close())
            product.stop()
    return report


class Drill:
    """One outage from before to after."""

    def __init__(self, outage: Outage, send: Callable[[Request], Outcome]) -> None:
        self._outage = outage
        self._send = send
        self._tenant = f"tenant-{outage.name}"
        self._leaving = f"leaving-{outage.name}"
        self._refusals: list[Outcome] = []
        self._everyday: list[Outcome] = []
        self._deletion = 0.0, 0.0  # until it has begun, until it is over
        self._healed = 0.0

    def prepare(self) -> None:
        """Two tenants, complete, and our own namespace, ready for pods."""
        own = Request("create", "POST", COLLECTION, namespace(everyday.OWN_NAMESPACE, {}), (201, 409))
        for request in (create(self._tenant), create(self._leaving), own):
            _must(self._send(request))
        for name in (self._tenant, self._leaving, everyday.OWN_NAMESPACE, "kube-system"):
            self._wait_until_there(f"{COLLECTION}/{name}/serviceaccounts/default")
        for name in (self._tenant, self._leaving):
            self._wait_until_there(f"{COLLECTION}/{name}/resourcequotas/default")

    def endure(self) -> None:
        """What happens while nobody of ours is there."""
        tier = {"metadata": {"labels": {labels.TIER: "large"}}}
        ours = [
            Request("delete", "DELETE", f"{COLLECTION}/{self._leaving}"),
            create(f"refused-{self._outage.name}"),
            Request("change the tier", "PATCH", f"{COLLECTION}/{self._tenant}", tier),
        ]
        with ThreadPoolExecutor() as pool:  # at once, since each of them may have to wait
            deletion, *self._refusals = pool.map(self._send, ours)
        _must(deletion)
        others = everyday.writes(self._tenant, self._outage.name)
        self._everyday = [self._send(request) for request in others]
        self._wait_until_there(f"{COLLECTION}/{self._leaving}", status=404, limit=GONE_SECONDS)
        self._deletion = deletion.seconds, time.monotonic() - deletion.began

    def heal(self, began: float) -> None:
        """Creation works again, and the controller does its part; `began` is when the outage ended."""
        name = f"after-{self._outage.name}"
        waiting.until(lambda: self._send(create(name)).as_wanted, "creation to work again", [], limit=30)
        self._wait_until_there(f"{COLLECTION}/{name}/resourcequotas/default")
        self._healed = time.monotonic() - began

    def tell(self, report: Report) -> None:
        """The outage's rows."""
        name, outage = self._outage.name, self._outage
        clear = [each for each in self._refusals if each.status == 500 and REFUSAL in each.text]
        slowest = max(each.seconds for each in self._refusals)
        measured = f"{len(clear)} of {len(self._refusals)}"
        every = len(clear) == len(self._refusals)
        report.check(f"{name}: our writes refused, with a clear text", measured, "all", kept=every)
        report.notes.append(f"{name}: {self._refusals[0]}")
        what = f"{name}: time of a refusal"
        kept = slowest <= outage.refused
        report.check(what, f"{slowest:.2f} s", f"{outage.refused:.0f} s", kept=kept, speed=True)
        self._tell_of_others(report)
        started, gone = self._deletion
        what = f"{name}: a namespace's deletion begins"
        kept = started <= outage.deleted
        report.check(what, f"{started:.2f} s", f"{outage.deleted:.0f} s", kept=kept, speed=True)
        report.tell(f"{name}: and is over", f"{gone:.1f} s")
        what, kept = f"{name}: all works again", self._healed <= HEALED_SECONDS
        report.check(what, f"{self._healed:.1f} s", f"{HEALED_SECONDS:.0f} s", kept=kept, speed=True)

    def _tell_of_others(self, report: Report) -> None:
        bad = [each for each in self._everyday if not each.as_wanted]
        name, every = self._outage.name, len(self._everyday)
        report.check(f"{name}: other writes refused", f"{len(bad)} of {every}", "0", kept=not bad)
        seconds = [each.seconds for each in self._everyday]
        what, kept = f"{name}: time of another write", max(seconds) <= UNHINDERED_SECONDS
        report.check(what, spread(seconds), f"{UNHINDERED_SECONDS:.0f} s", kept=kept, speed=True)
        report.notes += [f"{name}: {outcome}" for outcome in bad]

    def _wait_until_there(self, path: str, *, status: int = 200, limit: float = 30) -> None:
        look = Request("look", "GET", path)
        there = f"{path} to answer {status}"
        waiting.until(lambda: self._send(look).status == status, there, [], limit=limit)


def _must(outcome: Outcome) -> None:
    if not outcome.as_wanted:
        raise ControlPlaneError(str(outcome))
