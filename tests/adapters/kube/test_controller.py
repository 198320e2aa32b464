"""The whole controller, as it is wired, against a tiny API server: what it leaves there, and how often
it writes."""

import copy
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer
from tests.adapters.kube.tinyapi import TinyApi
from tests.controller.support import StoppedClock, Told, namespace, running, until
from tests.controller.unopposed import Unopposed
from webhook.adapters import catalogue_file
from webhook.adapters.cluster_sink import ClusterSink
from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.adapters.kube.view import ClusterView
from webhook.codec import namespace as namespaces
from webhook.controller.budgets import Ledger
from webhook.controller.loop import Loop
from webhook.controller.queue import KeyedQueue
from webhook.controller.reconcile import Reconciler
from webhook.controller.repairs import Repairs
from webhook.controller.rollout import RolloutGate
from webhook.controller.service import ControllerService
from webhook.controller.target import Targets
from webhook.core import bundle, labels
from webhook.core.model import API_VERSIONS, ConditionStatus, Manifest

pytestmark = pytest.mark.anyio

POLICY = catalogue_file.load(None)
SMALL = POLICY.tiers["small"]
BUNDLE = bundle.render("any", "any", SMALL, quota=SMALL.quota, group="team-any").objects
NAMES: dict[str, list[str]] = {
    kind: [it["metadata"]["name"] for it in BUNDLE if it["kind"] == kind] for kind in API_VERSIONS
}
PATH = resources.NAMESPACES.path("", "payments")
QUOTA = resources.BUNDLE["ResourceQuota"].path("payments", "default")
BINDING = resources.BUNDLE["RoleBinding"].path("payments", "team-edit")
DENY = resources.BUNDLE["NetworkPolicy"].path("payments", "default-deny-all")
PATIENCE = 3.0
"""Seconds in which a pass that was asked for has certainly happened."""


class Setup:
    def __init__(self, server: FaultServer, transport: Transport) -> None:
        self.api = TinyApi(server)
        self.transport = transport
        self.told = Told()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As webhook.wiring puts it together."""
        queue = KeyedQueue()
        metrics, log, clock = self.told.metrics, self.told.log, StoppedClock()
        view = ClusterView(self.transport, on_change=queue.add, metrics=metrics, log=log)
        gate = RolloutGate(lambda: POLICY, queue.add)
        targets = Targets(Ledger(view, queue.add, metrics), gate)
        reconciler = Reconciler(
            reader=view,
            sink=ClusterSink(self.transport, clock=clock, wrote=view.wrote),
            events=self,
            targets=targets,
            repairs=Repairs(),
            policy=lambda: POLICY,
            server_now=self.transport.server_time.now,
            clock=clock,
            metrics=metrics,
            log=log,
        )
        loop = Loop(queue, reconciler.reconcile, metrics=metrics, log=log, begin=targets.reset)
        async with running(ControllerService(view, (loop, gate), Unopposed()).run()):
            yield

    def record(self, namespace: Manifest, *, warning: bool, reason: str, message: str) -> None:
        """Implements ports.EventRecorder: Events are no part of what is looked at here."""

    def arrive(self, name: str) -> None:
        self.api.serve(name, NAMES)
        self.api.put(resources.NAMESPACES.path("", name), namespace(name))

    def ready(self, name: str) -> bool:
        found = namespaces.provisioned(self.api.objects[resources.NAMESPACES.path("", name)])
        return found is not None and found.status is ConditionStatus.TRUE

    def reason(self, name: str) -> str:
        found = namespaces.provisioned(self.api.objects[resources.NAMESPACES.path("", name)])
        return found.reason if found else ""

    async def provision(self, name: str) -> None:
        self.arrive(name)
        await until(lambda: self.ready(name), f"{name} is provisioned")

    def passes(self) -> float:
        return self.told.value("nsp_reconciles_total", result="BundleComplete")

    def with_labels(self, path: str, **changes: str | None) -> Manifest:
        found = self.api.objects[path]
        both = {**found["metadata"]["labels"], **changes}
        kept = {key: value for key, value in both.items() if value is not None}
        return {**found, "metadata": {**found["metadata"], "labels": kept}}


@pytest.fixture
async def setup(server: FaultServer, transport: Transport) -> Setup:
    return Setup(server, transport)


async def test_a_new_namespace_costs_seven_writes_and_its_own_events_cause_no_other(setup: Setup) -> None:
    async with setup.running():
        await setup.provision("payments")
        await setup.provision("search")
        await setup.provision("last")
        assert len(setup.api.writes) == 3 * 7
    assert [write.split("/")[-1] for write in setup.api.writes[:7]] == [
        *(it["metadata"]["name"] for it in BUNDLE),
        "status",
    ]


async def test_a_restart_writes_nothing(setup: Setup) -> None:
    async with setup.running():
        await setup.provision("payments")
    setup.api.writes.clear()
    async with setup.running():
        await setup.provision("last")
        assert [write for write in setup.api.writes if "payments" in write] == []


async def test_what_came_while_the_controller_was_away_is_found(setup: Setup) -> None:
    setup.arrive("payments")
    async with setup.running():
        await until(lambda: setup.ready("payments"), "it is provisioned")


async def test_a_foreign_field_is_removed(setup: Setup) -> None:
    async with setup.running():
        await setup.provision("payments")
        hole = {**setup.api.objects[DENY]["spec"], "ingress": [{}]}
        setup.api.put(DENY, {**setup.api.objects[DENY], "spec": hole})
        await until(lambda: "ingress" not in setup.api.objects[DENY]["spec"], "the hole is closed")


async def test_a_lost_label_comes_back(setup: Setup) -> None:
    async with setup.running():
        await setup.provision("payments")
        setup.api.put(QUOTA, setup.with_labels(QUOTA, **{labels.MANAGED_BY: None}))
        await until(
            lambda: labels.MANAGED_BY in setup.api.objects[QUOTA]["metadata"]["labels"], "the label is back"
        )


def _open(content: Manifest) -> None:
    content["spec"]["ingress"] = [{}]


def _admin(content: Manifest) -> None:
    content["roleRef"]["name"] = "admin"


@pytest.mark.parametrize(
    ("path", "change", "writes"),
    [
        pytest.param(DENY, lambda _: None, ["PATCH"], id="as it was otherwise"),
        pytest.param(DENY, _open, ["PUT"], id="with a hole in it"),
        pytest.param(BINDING, _admin, ["DELETE", "POST"], id="bound to another role"),
    ],
)
@pytest.mark.parametrize("anew", [False, True], ids=["edited", "deleted and made anew"])
async def test_who_strips_our_object_of_all_that_makes_it_ours_does_not_keep_it(
    setup: Setup, path: str, change: Callable[[Manifest], None], writes: list[str], anew: bool
) -> None:
    """Label and managedFields are gone, so that neither the watch nor the object says whose it was."""
    async with setup.running():
        await setup.provision("payments")
        await until(lambda: setup.passes() == 1, "the first pass is over")
        good, wanted = setup.api.objects[path], len(setup.api.writes)
        theirs = copy.deepcopy(good)
        for key in ("labels", "managedFields", *(["uid"] if anew else [])):
            del theirs["metadata"][key]
        change(theirs)
        if anew:
            setup.api.holds = True  # both events come after both have happened
            setup.api.remove(path)
        setup.api.put(path, theirs)
        setup.api.release()
        await until(lambda: setup.passes() >= 2, "it was looked at")
        assert [write.split()[0] for write in setup.api.writes[wanted:]] == writes
    after = setup.api.objects[path]
    assert after["metadata"]["labels"] == good["metadata"]["labels"]
    assert after["metadata"]["managedFields"] == good["metadata"]["managedFields"]
    assert {**after, "metadata": None} == {**good, "metadata": None}
    assert setup.ready("payments")


async def test_what_was_stripped_while_the_controller_was_away_is_put_right(setup: Setup) -> None:
    async with setup.running():
        await setup.provision("payments")
    theirs = copy.deepcopy(setup.api.objects[DENY])
    theirs["metadata"] = {"name": theirs["metadata"]["name"], "namespace": "payments"}
    _open(theirs)
    setup.api.put(DENY, theirs)
    async with setup.running():
        await until(lambda: "ingress" not in setup.api.objects[DENY]["spec"], "the hole is closed")


async def test_what_stands_in_a_new_namespace_before_us_is_left_alone_and_nobody_gets_access(
    setup: Setup,
) -> None:
    theirs = {**BUNDLE[1], "metadata": {"name": "default", "namespace": "payments"}, "spec": {"hard": {}}}
    setup.api.put(QUOTA, theirs)
    before = setup.api.objects[QUOTA]
    async with setup.running():
        setup.arrive("payments")
        await until(lambda: setup.reason("payments") == "ForeignObject", "it is told")
        assert setup.api.objects[QUOTA] == before
        assert DENY in setup.api.objects
        assert BINDING not in setup.api.objects


async def test_an_exempt_namespace_is_not_written_to_whatever_its_labels_say(setup: Setup) -> None:
    async with setup.running():
        setup.arrive("kube-system")
        await setup.provision("payments")
        assert [write for write in setup.api.writes if "kube-system" in write] == []


async def test_a_refusal_whose_text_is_never_the_same_is_no_reason_to_try_without_pause(setup: Setup) -> None:
    """Webhooks like to name a request or a time: each pass then writes a new message, and what that
    write brings back must not ask for the next pass."""
    numbers = itertools.count()

    async def refuse(request: web.Request) -> web.StreamResponse:
        return await faults.failure(422, "Invalid", f"denied, see request {next(numbers)}")(request)

    async with setup.running():
        setup.api.serve("payments", NAMES)
        setup.api.server.script("PATCH", QUOTA, refuse)
        setup.api.put(PATH, namespace("payments"))
        for number in range(8):
            await setup.provision(f"other-{number}")
        assert len(setup.api.server.seen("PATCH", QUOTA)) <= 3


async def test_a_tier_change_that_our_own_answer_brings_before_the_watch_does_is_acted_on(
    setup: Setup,
) -> None:
    """The tier changes just before we write the condition, and the watch is slow: the cache then has the
    new tier from our own answer, and both events are no news to it."""

    def change_of_tier() -> None:
        setup.api.holds = True
        setup.api.put(PATH, setup.with_labels(PATH, **{labels.TIER: "large"}))

    setup.api.meanwhile[PATH] = change_of_tier
    async with setup.running():
        setup.arrive("payments")
        await until(lambda: setup.passes() == 1, "the first pass is over")
        setup.api.release()
        large = POLICY.tiers["large"].quota
        await until(
            lambda: setup.api.objects[QUOTA]["spec"]["hard"] == large, "it is large", seconds=PATIENCE
        )


async def test_drift_that_our_own_answer_brings_before_the_watch_does_is_repaired(setup: Setup) -> None:
    async with setup.running():
        await setup.provision("payments")
        await until(lambda: setup.passes() >= 1, "the first pass is over")

        def hole() -> None:
            setup.api.holds = True
            spec = {**setup.api.objects[DENY]["spec"], "ingress": [{}]}
            setup.api.put(DENY, {**setup.api.objects[DENY], "spec": spec})

        setup.api.meanwhile[DENY] = hole
        before = setup.passes()
        setup.api.put(DENY, setup.with_labels(DENY, **{labels.TIER_REVISION: "old"}))
        await until(lambda: setup.passes() > before, "the label is repaired")
        setup.api.release()
        await until(
            lambda: "ingress" not in setup.api.objects[DENY]["spec"], "the hole is closed", seconds=PATIENCE
        )
