"""Keeps the annotation platform/idle-since true in tiers that end their namespaces without pods.

It looks at the ResourceQuota, not at pods, which nobody here has the right to read. Pods that come and go
between two looks leave a new version of the quota behind, and idleness begins anew.
"""

import asyncio

from webhook import ports, telemetry
from webhook.core import expiry, idleness, labels
from webhook.core.errors import ConflictError, NotFoundError, RejectedError
from webhook.core.model import Manifest, ObjectKey
from webhook.core.policy import Policy

QUOTA = ObjectKey("ResourceQuota", "default")

STEP = 500
"""After so many namespaces a look lets others run: admission may share the process, and has no time."""


class IdleWatch:
    """Remembers, by the namespace's uid, the version of each quota that it has seen."""

    def __init__(
        self,
        *,
        reader: ports.ManagedNamespaces,
        marks: ports.IdleMarks,
        policy: ports.PolicySource,
        log: telemetry.Log,
    ) -> None:
        self._reader = reader
        self._marks = marks
        self._policy = policy
        self._log = log
        self._versions: dict[str, str] = {}

    async def look(self, now: int) -> None:
        """Set every annotation right. Raises ClusterUnavailableError; the next look does the rest."""
        policy, present = self._policy(), set()
        for number, manifest in enumerate(tuple(self._reader.namespaces())):
            if number % STEP == 0:
                await asyncio.sleep(0)
            counts = _ends_idle(manifest, policy)
            if (counts or idleness.stated(manifest) is not None) and expiry.is_ours(manifest, policy):
                present.add(manifest["metadata"]["uid"])
                await self._note(manifest, now, counts=counts)
        self._versions = {uid: each for uid, each in self._versions.items() if uid in present}

    async def _note(self, manifest: Manifest, now: int, *, counts: bool) -> None:
        metadata = manifest["metadata"]
        quota = self._reader.bundle_objects(metadata["name"]).get(QUOTA) if counts else None
        version = "" if quota is None else _version(quota)
        wanted = idleness.mark(
            manifest,
            idle=idleness.is_idle(quota),
            unbroken=self._versions.get(metadata["uid"], version) == version,
            created=expiry.created_at(manifest),
            now=now,
        )
        if idleness.stated(manifest) == (None if wanted is None else str(wanted)) or await self._write(
            manifest, wanted
        ):
            self._versions[metadata["uid"]] = version

    async def _write(self, manifest: Manifest, since: int | None) -> bool:
        """Whether it could be written; what could not is seen again at the next look."""
        try:
            await self._marks.set_idle_since(manifest, since)
        except (NotFoundError, ConflictError):
            return False
        except RejectedError as error:
            name = manifest["metadata"]["name"]
            self._log.error("idleness cannot be noted", namespace=name, detail=str(error))
            return False
        return True

    def is_still_idle(self, namespace: Manifest, quota: Manifest | None) -> bool:
        """Whether `quota`, just fetched, is the one that was seen at the last look, and counts no pods."""
        known = self._versions.get(namespace["metadata"]["uid"])
        return quota is not None and idleness.is_idle(quota) and known == _version(quota)


def _ends_idle(manifest: Manifest, policy: Policy) -> bool:
    tier = policy.tiers.get((manifest["metadata"].get("labels") or {}).get(labels.TIER, ""))
    return tier is not None and tier.idle_ttl is not None


def _version(quota: Manifest) -> str:
    version: str = quota["metadata"]["resourceVersion"]
    return version
