"""Namespaces that live and end in virtual time, as the expirer sees them."""

import asyncio
import copy
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.controller.support import NOW, Told, namespace
from tests.core.builders import with_tier
from webhook.controller.expiry import Expirer
from webhook.controller.idleness import IdleWatch
from webhook.core import labels
from webhook.core.errors import ConflictError, NotFoundError
from webhook.core.model import Manifest, ObjectKey
from webhook.core.policy import ExpiryRules, Policy

START = NOW.timestamp()
HOUR, DAY = 3600, 86_400
QUOTA = ObjectKey("ResourceQuota", "default")


def time() -> float:
    """Seconds of virtual time."""
    return asyncio.get_running_loop().time()


@dataclass
class SkewedClock:
    """Implements ports.Clock, `skew` seconds off."""

    skew: float = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(START + time() + self.skew, UTC)


class Realm:
    """An API server, the view of it, and an expirer. The view is up to date unless it is `frozen`."""

    def __init__(self, *, tier: Mapping[str, Any] | None = None, **rules: Any) -> None:
        self.live: dict[str, Manifest] = {}
        self.quotas: dict[str, Manifest] = {}
        self.frozen: list[Manifest] | None = None
        self.deleted: list[tuple[str, float]] = []
        self.on_delete: Callable[[Manifest], None] = lambda _: None
        self.events: list[tuple[str, str, str]] = []
        self.marks = 0
        self.told = Told()
        self.server, self.own = SkewedClock(), SkewedClock()
        self.server_known = True
        self._policy = with_tier(**(tier or {}))
        self.rules = {"dry_run": False, "max_percent": 100, **rules}
        self._numbers = itertools.count(100)
        self.expirer = self.another()

    def another(self) -> Expirer:
        """An expirer that remembers nothing, such as that of the next leader."""
        log = self.told.log
        return Expirer(
            reader=self,
            reaper=self,
            idle=IdleWatch(reader=self, marks=self, policy=self.policy, log=log),
            policy=self.policy,
            server_now=lambda: self.server.now() if self.server_known else None,
            clock=self.own,
            events=self,
            metrics=self.told.metrics,
            log=log,
        )

    async def run(self, seconds: float) -> None:
        """Let the expirer work for so long, and end it the way a lost lease does."""
        task = asyncio.create_task(self.expirer.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    def policy(self) -> Policy:
        rules = ExpiryRules(**self.rules)
        if self._policy.expiry != rules:
            self._policy = dataclasses.replace(self._policy, expiry=rules)
        return self._policy

    # what happens in the cluster

    def put(
        self, name: str = "payments", *, ttl: str | None = None, age: float = 0, **notes: str
    ) -> Manifest:
        """A new namespace that is `age` seconds old; `notes` are annotations of ours, with _ for -."""
        found = namespace(name)
        metadata = found["metadata"]
        metadata["uid"] = f"uid-{next(self._numbers)}"
        created = datetime.fromtimestamp(START + time() - age, UTC)
        metadata["creationTimestamp"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["annotations"] = {f"platform/{key.replace('_', '-')}": value for key, value in notes.items()}
        if ttl is not None:
            metadata["annotations"][labels.TTL] = ttl
        self.live[name] = found
        self._touch(found)
        return found

    def annotate(self, name: str, key: str, value: str | None) -> None:
        found = copy.deepcopy(self.live[name])
        annotations = found["metadata"]["annotations"]
        annotations.pop(key, None)
        if value is not None:
            annotations[key] = value
        self.live[name] = found
        self._touch(found)

    def pods(self, number: int, name: str = "payments") -> None:
        """The quota controller has counted the pods."""
        self.quotas[name] = {
            "kind": "ResourceQuota",
            "metadata": {"name": "default", "namespace": name, "resourceVersion": str(next(self._numbers))},
            "spec": {"hard": {"pods": "20"}},
            "status": {"used": {"pods": str(number)}},
        }

    def _touch(self, manifest: Manifest) -> None:
        manifest["metadata"]["resourceVersion"] = str(next(self._numbers))

    # ports.ManagedNamespaces

    def namespaces(self) -> Iterable[Manifest]:
        return tuple(self.live.values()) if self.frozen is None else tuple(self.frozen)

    def bundle_objects(self, namespace: str) -> Mapping[ObjectKey, Manifest]:
        return {QUOTA: self.quotas[namespace]} if namespace in self.quotas else {}

    # ports.Reaper

    async def fetch(self, name: str) -> Manifest:
        await asyncio.sleep(0)
        if name not in self.live:
            raise NotFoundError("it is gone", code=404, reason="NotFound")
        return copy.deepcopy(self.live[name])

    async def fetch_quota(self, name: str) -> Manifest | None:
        return copy.deepcopy(self.quotas.get(name))

    async def delete(self, namespace: Manifest) -> None:
        self.on_delete(namespace)
        metadata = namespace["metadata"]
        live = (await self.fetch(metadata["name"]))["metadata"]
        if any(live[key] != metadata[key] for key in ("uid", "resourceVersion")):
            raise ConflictError("the precondition does not hold", code=409, reason="Conflict")
        del self.live[metadata["name"]]
        self.deleted.append((metadata["name"], time()))

    # ports.IdleMarks

    async def set_idle_since(self, namespace: Manifest, since: int | None) -> None:
        self.marks += 1
        name = namespace["metadata"]["name"]
        self.annotate(name, labels.IDLE_SINCE, None if since is None else str(since))

    # ports.EventRecorder

    def record(self, namespace: Manifest, *, warning: bool, reason: str, message: str) -> None:
        self.events.append((namespace["metadata"]["name"], reason, message))

    def outcomes(self, outcome: str) -> float:
        return self.told.value("nsp_expired_total", outcome=outcome)
