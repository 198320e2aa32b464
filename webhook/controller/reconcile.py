"""One pass over one namespace: key -> observe -> bundle -> plan -> sink -> outcome.

It looks at state only, never at the event that asked for the pass, so that a create, an update, a
repair and a restart are one path. Running it twice is running it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from webhook import ports, telemetry
from webhook.codec import namespace as namespaces
from webhook.core import bundle, labels, plan, wording
from webhook.core.errors import ForeignObjectError, NotFoundError, RejectedError
from webhook.core.model import Change, Condition, ConditionStatus, Manifest, ObjectKey, key_of
from webhook.core.policy import Policy

BLOCKED_RETRY_SECONDS = 30.0
"""A foreign object in our place, or a refused write, is looked at again after this long: nobody
tells us when it goes away."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass came to. `retry_after` is in seconds, None when only a change needs a new pass."""

    result: str
    writes: int = 0
    retry_after: float | None = None


class Reconciler:
    """Holds what a pass needs; it keeps no state between passes."""

    def __init__(
        self,
        *,
        reader: ports.ClusterReader,
        sink: ports.Sink,
        policy: ports.PolicySource,
        clock: ports.Clock,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._policy = policy
        self._clock = clock
        self._metrics = metrics
        self._log = log

    async def reconcile(self, name: str) -> Outcome:
        """Bring namespace `name` to its tier's state. Raises ClusterError when it should be tried again."""
        manifest, policy = self._reader.namespace(name), self._policy()
        if manifest is None or not _is_ours(manifest, policy):
            return Outcome("ignored")
        try:
            condition, writes = await self._provision(name, manifest, policy)
            await self._tell(name, manifest, condition)
        except NotFoundError:
            return Outcome("gone", retry_after=BLOCKED_RETRY_SECONDS)
        ready = condition.status is ConditionStatus.TRUE
        return Outcome(condition.reason, writes, None if ready else BLOCKED_RETRY_SECONDS)

    async def _tell(self, name: str, manifest: Manifest, condition: Condition) -> None:
        """Write the condition if it says something new; its time moves only with its status."""
        before = namespaces.provisioned(manifest)
        if condition == before:
            return
        turned = before is None or before.status is not condition.status
        await self._sink.set_condition(
            name, replace(condition, since="" if turned or before is None else before.since)
        )
        if before is None and condition.status is ConditionStatus.TRUE:
            created = datetime.fromisoformat(manifest["metadata"]["creationTimestamp"])
            self._metrics.ready_seconds.observe((self._clock.now() - created).total_seconds())

    async def _provision(self, name: str, manifest: Manifest, policy: Policy) -> tuple[Condition, int]:
        state = namespaces.state(manifest)
        tier_name = state.labels.get(labels.TIER, "")
        if tier_name not in policy.tiers:
            return _not_ready("UnknownTier", f"the catalogue has no tier {wording.quote(tier_name)}"), 0
        if not state.labels.get(labels.TEAM):
            return _not_ready("MissingTeam", f"the label {labels.TEAM} is missing"), 0
        wanted = bundle.of(name, state, policy)
        observed = self._reader.bundle_objects(name)
        changes = plan.changes(wanted, observed, was_complete=_was_complete(manifest, observed))
        written, blocked = 0, None
        for change in changes:
            if blocked and change.manifest["kind"] == "RoleBinding" and change.observed is None:
                break  # no access before all guardrails stand
            wrong = await self._write(change)
            written, blocked = written + (wrong is None), blocked or wrong
        if blocked:
            return blocked, written
        message = f"tier {wanted.tier}, revision {wanted.revision}: {len(wanted.objects)} objects in place"
        return Condition(ConditionStatus.TRUE, "BundleComplete", message), written

    async def _write(self, change: Change) -> Condition | None:
        """Write one object; a condition says why it cannot be written, however often tried."""
        key = key_of(change.manifest)
        try:
            await self._sink.write(change)
        except ForeignObjectError as error:
            return _not_ready("ForeignObject", f"{key} is somebody else's: {error}")
        except RejectedError as error:
            return _not_ready("Rejected", f"the API server refuses {key}: {error}")
        self._metrics.writes.labels(key.kind, change.action.value).inc()
        self._log.info(
            "wrote", namespace=change.manifest["metadata"]["namespace"], object=str(key), action=change.action
        )
        return None


def _is_ours(manifest: Manifest, policy: Policy) -> bool:
    """Whether the namespace is managed and to be written to.

    Labels alone do not make it so: nobody checks them on exempt namespaces, which the webhooks skip.
    """
    metadata = manifest["metadata"]
    return (
        metadata["name"] not in policy.exempt_names
        and (metadata.get("labels") or {}).get(labels.MANAGED_BY) == labels.MANAGER
        and "deletionTimestamp" not in metadata
    )


def _was_complete(manifest: Manifest, observed: Mapping[ObjectKey, Manifest]) -> bool:
    """Whether all guardrails have stood here once: the binding, which tenants cannot touch, comes last."""
    condition = namespaces.provisioned(manifest)
    return any(key.kind == "RoleBinding" for key in observed) or (
        condition is not None and condition.status is ConditionStatus.TRUE
    )


def _not_ready(reason: str, message: str) -> Condition:
    return Condition(ConditionStatus.FALSE, reason, message)
