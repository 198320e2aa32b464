"""Passes over a cluster in memory, one at a time."""

from datetime import datetime

from tests.controller.support import Cluster, StoppedClock, Told, namespace
from webhook.adapters import catalogue_file
from webhook.controller.budgets import Ledger
from webhook.controller.reconcile import Outcome, Reconciler
from webhook.controller.repairs import Repairs
from webhook.controller.rollout import RolloutGate
from webhook.controller.target import Targets
from webhook.core.model import Manifest, ObjectKey

POLICY = catalogue_file.load(None)
COMPLETE = "condition True BundleComplete"


class Setup:
    def __init__(self, *manifests: Manifest, cluster: Cluster | None = None) -> None:
        self.cluster = cluster or Cluster(*manifests)
        self.told = Told()
        self.policy = POLICY
        self.now = 1000.0
        self.server_now: datetime | None = None
        self.asked: list[str] = []
        self.gate = RolloutGate(lambda: self.policy, self.asked.append)
        ledger = Ledger(reader=self.cluster, enqueue=self.asked.append, metrics=self.told.metrics)
        self.reconciler = Reconciler(
            reader=self.cluster,
            sink=self.cluster,
            events=self.cluster,
            targets=Targets(ledger, self.gate),
            repairs=Repairs(lambda: self.now),
            policy=lambda: self.policy,
            server_now=lambda: self.server_now,
            clock=StoppedClock(),
            metrics=self.told.metrics,
            log=self.told.log,
        )

    async def a_pass(self, name: str = "payments") -> tuple[Outcome, list[str]]:
        """The outcome, and what this pass wrote."""
        before = len(self.cluster.writes)
        outcome = await self.reconciler.reconcile(name)
        return outcome, self.cluster.writes[before:]

    def object(self, kind: str, name: str) -> Manifest:
        return self.cluster.objects["payments"][ObjectKey(kind, name)]


async def provisioned(*, tier: str = "small") -> Setup:
    setup = Setup(namespace(tier=tier))
    await setup.a_pass()
    return setup
