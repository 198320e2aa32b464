"""A cluster in memory, a clock that stands still, and waiting for what is to come."""

import asyncio
import copy
import io
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from webhook import telemetry
from webhook.codec import namespace as namespaces
from webhook.core import labels
from webhook.core.model import Action, Change, Condition, Manifest, ObjectKey, key_of

NOW = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)
CREATED = "2026-03-01T12:00:00Z"


class StoppedClock:
    """Implements ports.Clock."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Told:
    """The log and the metrics of one test."""

    stream: io.StringIO = field(default_factory=io.StringIO)
    metrics: telemetry.Metrics = field(default_factory=telemetry.Metrics)

    @property
    def log(self) -> telemetry.Log:
        return telemetry.Log(lambda: NOW, self.stream)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def value(self, name: str, **labelled: str) -> float:
        return self.metrics.registry.get_sample_value(name, labelled) or 0.0


async def until(condition: Callable[[], object], what: str, *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        await asyncio.sleep(0.001)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Runs `work` meanwhile; if it failed by itself, so does the test."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def namespace(name: str = "payments", *, tier: str = "small", team: str = "payments") -> Manifest:
    given = {labels.MANAGED_BY: labels.MANAGER, labels.TIER: tier, labels.TEAM: team}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "creationTimestamp": CREATED,
            "labels": {key: value for key, value in given.items() if value},
        },
    }


class Cluster:
    """Implements the ports of the controller with what it keeps: no cache, no delay.

    `before` and `after` are errors to raise around the N-th write (counted from 0).
    """

    def __init__(self, *manifests: Manifest) -> None:
        self.namespaces = {manifest["metadata"]["name"]: manifest for manifest in manifests}
        self.objects: dict[str, dict[ObjectKey, Manifest]] = {}
        self.writes: list[str] = []
        self.events: list[tuple[str, str, bool]] = []
        self.departed: dict[str, Manifest] = {}
        self.before: dict[int, Exception] = {}
        self.after: dict[int, Exception] = {}
        self._calls = itertools.count()
        self._uids = itertools.count(1)

    def namespace(self, name: str) -> Manifest | None:
        return self.namespaces.get(name)

    def bundle_objects(self, namespace: str) -> Mapping[ObjectKey, Manifest]:
        return self.objects.get(namespace, {})

    def team(self, name: str) -> list[Manifest]:
        return [it for it in self.namespaces.values() if it["metadata"]["labels"].get(labels.TEAM) == name]

    def depart(self, name: str) -> None:
        """The namespace leaves what we look at: it was deleted, or is managed no more."""
        self.departed[name] = self.namespaces.pop(name)

    def take_departed(self, name: str) -> Manifest | None:
        return self.departed.pop(name, None)

    def record(self, namespace: Manifest, *, warning: bool, reason: str, message: str) -> None:
        """Implements ports.EventRecorder."""
        self.events.append((reason, message, warning))

    async def write(self, change: Change) -> None:
        place = self.objects.setdefault(change.manifest["metadata"]["namespace"], {})
        key = key_of(change.manifest)
        with self._faults():
            if change.action is Action.PRUNE:
                del place[key]
                self.writes.append(f"prune {key}")
                return
            anew = change.action in (Action.CREATE, Action.RESTORE)
            assert (key in place) is not anew, f"{change.action} of {key}"
            place[key] = self._result(change, place.get(key))
            self.writes.append(f"{change.action} {key}")

    async def set_condition(self, namespace: Manifest, condition: Condition) -> None:
        name = namespace["metadata"]["name"]
        with self._faults():
            since = condition.since or NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
            status = namespaces.status_patch(name, condition, since=since)["status"]
            if name in self.namespaces:
                self.namespaces[name] = {**self.namespaces[name], "status": status}
            self.writes.append(f"condition {condition.status} {condition.reason}")

    async def set_expiry(self, namespace: Manifest, expires_at: int | None) -> None:
        metadata = self.namespaces[namespace["metadata"]["name"]]["metadata"]
        with self._faults():
            metadata["labels"].pop(labels.EXPIRES_AT, None)
            if expires_at is not None:
                metadata["labels"][labels.EXPIRES_AT] = str(expires_at)
            self.writes.append(f"expiry {expires_at}")

    def condition(self, namespace: str = "payments") -> Condition | None:
        return namespaces.provisioned(self.namespaces[namespace])

    def content(self) -> dict[str, dict[str, Manifest]]:
        """All bundle objects without their uids: what a person would compare."""
        found = copy.deepcopy(self.objects)
        for manifests in found.values():
            for manifest in manifests.values():
                del manifest["metadata"]["uid"]
        return {name: {str(key): item for key, item in items.items()} for name, items in found.items()}

    @contextmanager
    def _faults(self) -> Iterator[None]:
        call = next(self._calls)
        if call in self.before:
            raise self.before[call]
        yield
        if call in self.after:
            raise self.after[call]

    def _result(self, change: Change, current: Manifest | None) -> Manifest:
        wanted = copy.deepcopy(change.manifest)
        uid = f"uid-{next(self._uids)}"
        if current is None or change.action is Action.RECREATE:
            wanted["metadata"]["uid"] = uid
            return wanted
        if change.action is Action.APPLY:
            return _merged(current, wanted)
        wanted["metadata"]["uid"] = current["metadata"]["uid"]
        return wanted


def _merged(current: Manifest, wanted: Manifest) -> Manifest:
    """What a server-side apply leaves: ours said anew, what is not ours kept."""
    both = {
        key: _merged(current[key], wanted[key])
        for key in current.keys() & wanted.keys()
        if isinstance(current[key], dict) and isinstance(wanted[key], dict)
    }
    return {**current, **wanted, **both}
