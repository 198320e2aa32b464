"""One pass over one namespace: key -> observe -> target -> plan -> sink -> outcome.

It looks at state only, never at the event that asked for the pass, so that a create, an update, a
repair and a restart are one path. Running it twice is running it once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from webhook import ports, telemetry
from webhook.codec import namespace as namespaces
from webhook.controller.repairs import Repairs
from webhook.controller.target import Target, Targets, not_ready
from webhook.core import bundle, expiry, labels, plan, wording
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    ForeignObjectError,
    NotFoundError,
    RejectedError,
)
from webhook.core.model import Action, Bundle, Change, Condition, ConditionStatus, Manifest, ObjectKey, key_of
from webhook.core.policy import Policy

BLOCKED_RETRY_SECONDS = 30.0
"""A foreign object in our place, or a refused write, is looked at again after this long: nobody
tells us when it goes away."""

GONE_RETRY_SECONDS = 60.0
"""A namespace that was gone when we wrote: the watch will say so, or that there is a new one."""

CONTESTED_RETRY_SECONDS = 15.0
"""When to look whether a fight over an object is over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass came to. `retry_after` is in seconds, None when only a change needs a new pass."""

    result: str
    retry_after: float | None = None


@dataclass(slots=True)
class Progress:
    """What the writes of one pass came to: what was written, what cannot be, and what has to wait."""

    written: list[str]
    blocked: Condition | None = None
    paused: dict[ObjectKey, float] = field(default_factory=dict)
    """Objects that somebody fights over, with the seconds until they are put right again."""

    @property
    def guarded(self) -> bool:
        """Whether all guardrails so far are as they should be."""
        return self.blocked is None and all(key.kind == "RoleBinding" for key in self.paused)


class Reconciler:
    """Holds what a pass needs. Between passes it remembers only how often it had to repair what.

    `server_now` is the API server's clock, None while it is unknown.
    """

    def __init__(
        self,
        *,
        reader: ports.ClusterReader,
        sink: ports.Sink,
        events: ports.EventRecorder,
        targets: Targets,
        repairs: Repairs,
        policy: ports.PolicySource,
        server_now: Callable[[], datetime | None],
        clock: ports.Clock,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._events = events
        self._targets = targets
        self._repairs = repairs
        self._policy = policy
        self._server_now = server_now
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._untold: dict[str, Manifest] = {}

    async def reconcile(self, name: str) -> Outcome:
        """Bring namespace `name` to its tier's state. Raises ClusterError when it should be tried again."""
        manifest, policy = self._reader.namespace(name), self._policy()
        try:
            if manifest is None:
                return await self._departed(name, policy)
            if not _is_ours(manifest, policy):
                return Outcome("ignored")
            return await self._provision(name, manifest, policy)
        except NotFoundError:
            return Outcome("gone", GONE_RETRY_SECONDS)
        except ClusterError:
            raise
        except Exception:
            await self._confess(manifest)
            raise

    async def _departed(self, name: str, policy: Policy) -> Outcome:
        """The namespace was deleted, or somebody took our label away: then its condition must say so."""
        self._targets.forget(name)
        self._repairs.forget(name)
        last = self._reader.take_departed(name) or self._untold.pop(name, None)
        if last is None or not _is_ours(last, policy) or namespaces.provisioned(last) is None:
            return Outcome("ignored")
        message = f"the label {labels.MANAGED_BY} was taken away; what was there stays, and nobody repairs it"
        try:
            await self._sink.set_condition(last, not_ready("NotManaged", message))
        except (NotFoundError, ConflictError, RejectedError):
            return Outcome("gone")
        except ClusterUnavailableError:
            self._untold[name] = last
            raise
        return Outcome("NotManaged")

    async def _provision(self, name: str, manifest: Manifest, policy: Policy) -> Outcome:
        self._untold.pop(name, None)
        observed = self._reader.bundle_objects(name)
        target = self._targets.choose(manifest, namespaces.state(manifest), policy, observed)
        progress = await self._write_all(name, manifest, target, observed, policy)
        if progress.written:
            self._log.info("wrote", namespace=name, objects=progress.written)
        refused = await self._set_expiry(manifest)
        condition = progress.blocked or self._contested(name, progress) or refused or target.condition
        now = (self._server_now() or self._clock.now()).timestamp()
        await self._tell(manifest, _with_notice(condition, expiry.notice(manifest, policy, now)))
        if condition is target.condition and target.left is not None:
            message = f"tier {target.left} -> {_tier(manifest)}: {condition.message}"
            self._events.record(manifest, warning=False, reason="TierChanged", message=message)
        return self._outcome(manifest, condition, progress, expiry.next_look(manifest, policy, now))

    def _outcome(
        self, manifest: Manifest, condition: Condition, progress: Progress, next_notice: float | None
    ) -> Outcome:
        if condition.status is ConditionStatus.TRUE:
            now = self._clock.now().timestamp()
            self._metrics.last_success.labels(_tier(manifest)).set(now)
            return Outcome(condition.reason, next_notice)
        usual = CONTESTED_RETRY_SECONDS if condition.reason == "Contested" else BLOCKED_RETRY_SECONDS
        return Outcome(condition.reason, min([usual, *progress.paused.values()]))

    async def _set_expiry(self, manifest: Manifest) -> Condition | None:
        """Keep the label that says when the namespace ends; what is wrong, if it cannot be kept."""
        if expiry.is_labelled(manifest):
            return None
        try:
            await self._sink.set_expiry(manifest, expiry.expires_at(manifest))
        except RejectedError as error:
            return not_ready("Rejected", f"the API server refuses the label {labels.EXPIRES_AT}: {error}")
        return None

    async def _write_all(
        self,
        name: str,
        manifest: Manifest,
        target: Target,
        observed: Mapping[ObjectKey, Manifest],
        policy: Policy,
    ) -> Progress:
        progress = Progress([])
        if target.bundle is None:
            return progress
        complete = _was_complete(manifest, observed, target.bundle)
        for change in plan.changes(target.bundle, observed, was_complete=complete, adoption=policy.adoption):
            if not progress.guarded and _needs_guardrails(change, moves=target.moves):
                continue  # no access before all guardrails stand, and none is taken away before others do
            key = key_of(change.manifest)
            if pause := self._repairs.pause(name, key):
                progress.paused[key] = pause
                continue
            wrong = await self._write(change)
            if wrong is not None:
                progress.blocked = progress.blocked or wrong
                continue
            progress.written.append(f"{change.action} {key}")
            if complete and not target.moves:
                self._repaired(name, change, key)
        return progress

    async def _write(self, change: Change) -> Condition | None:
        """Write one object; a condition says why it cannot be written, however often tried."""
        key = key_of(change.manifest)
        try:
            await self._sink.write(change)
        except ForeignObjectError as error:
            return not_ready("ForeignObject", f"{key} is somebody else's: {error}")
        except ConflictError:
            self._metrics.conflicts.labels(key.kind).inc()
            raise
        except RejectedError as error:
            return not_ready("Rejected", f"the API server refuses {key}: {error}")
        self._metrics.writes.labels(key.kind, change.action.value).inc()
        return None

    def _repaired(self, name: str, change: Change, key: ObjectKey) -> None:
        self._repairs.note(name, key)
        self._metrics.repairs.labels(key.kind, change.action.value).inc()

    def _contested(self, name: str, progress: Progress) -> Condition | None:
        objects = {*self._repairs.contested(name), *progress.paused}
        if not objects:
            return None
        what = wording.listing(sorted(map(str, objects)))
        return not_ready(
            "Contested", f"somebody keeps changing {what}; it is repaired with pauses in between"
        )

    async def _tell(self, manifest: Manifest, condition: Condition) -> None:
        """Write the condition if it says something new; its time moves only with its status."""
        before = namespaces.provisioned(manifest)
        if condition == before:
            return
        turned = before is None or before.status is not condition.status
        since = "" if turned or before is None else before.since
        await self._sink.set_condition(manifest, replace(condition, since=since))
        self._announce(manifest, before, condition)

    def _announce(self, manifest: Manifest, before: Condition | None, condition: Condition) -> None:
        """An Event for what somebody should look at, and when that is over; none where all just works."""
        ready = condition.status is ConditionStatus.TRUE
        if ready and before is None:
            created = datetime.fromisoformat(manifest["metadata"]["creationTimestamp"])
            self._metrics.ready_seconds.observe((self._clock.now() - created).total_seconds())
        elif before is None or before.reason != condition.reason:
            self._events.record(
                manifest, warning=not ready, reason=condition.reason, message=condition.message
            )

    async def _confess(self, manifest: Manifest | None) -> None:
        """A bug of ours concerns this namespace alone, and its condition says that nobody knows."""
        if manifest is None:
            return
        message = "an unexpected error, told in the log of ns-provisioner's controller"
        try:
            await self._tell(manifest, Condition(ConditionStatus.UNKNOWN, "InternalError", message))
        except ClusterError as error:
            self._log.error(
                "cannot write a condition", namespace=manifest["metadata"]["name"], detail=str(error)
            )


def _tier(manifest: Manifest) -> str:
    """The tier that a managed namespace asks for."""
    tier: str = manifest["metadata"]["labels"][labels.TIER]
    return tier


def _with_notice(condition: Condition, notice: str | None) -> Condition:
    return condition if notice is None else replace(condition, message=f"{condition.message}; {notice}")


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


def _needs_guardrails(change: Change, *, moves: bool) -> bool:
    """Access is given, and guardrails of a former tier are taken away, only once the new ones stand."""
    if change.manifest["kind"] == "RoleBinding":
        return change.action is not Action.PRUNE and (moves or change.observed is None)
    return change.action is Action.PRUNE


def _was_complete(manifest: Manifest, observed: Mapping[ObjectKey, Manifest], wanted: Bundle) -> bool:
    """Whether just this bundle has stood here once, so that what is missing of it was taken from us.

    The binding, which tenants cannot touch, comes last; the condition names the revision, too.
    """
    binding = observed.get(bundle.ACCESS)
    given = (binding["metadata"].get("labels") or {}) if binding is not None else {}
    if (given.get(labels.TIER), given.get(labels.TIER_REVISION)) == (wanted.tier, wanted.revision):
        return True
    condition = namespaces.provisioned(manifest)
    named = f"tier {wanted.tier}, revision {wanted.revision}:"
    return (
        condition is not None
        and condition.status is ConditionStatus.TRUE
        and condition.message.startswith(named)
    )
