"""Lets the namespaces follow a changed tier one after the other, and remembers what tiers were before."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from webhook import ports
from webhook.core import labels
from webhook.core.policy import Policy, Tier

REMEMBERED = 256
"""Former revisions of tiers that are kept, so that namespaces that still have one can be repaired."""


class FormerTiers:
    """Every tier of the catalogues that this process has seen, by name and revision."""

    def __init__(self) -> None:
        self._tiers: dict[tuple[str, str], Tier] = {}
        self._latest: Policy | None = None

    def note(self, policy: Policy) -> None:
        if policy is self._latest:
            return
        self._latest = policy
        for tier in policy.tiers.values():
            self._tiers.pop((tier.name, tier.revision), None)
            self._tiers[tier.name, tier.revision] = tier
        while len(self._tiers) > max(REMEMBERED, len(policy.tiers)):
            del self._tiers[next(iter(self._tiers))]

    def get(self, name: str, revision: str) -> Tier | None:
        """None for what was before this process began."""
        return self._tiers.get((name, revision))


class RolloutGate:
    """Who asks waits in line; while it runs, the line moves at the catalogue's pace.

    `enqueue` asks for a pass over the namespace whose turn has come.
    """

    def __init__(self, policy: ports.PolicySource, enqueue: Callable[[str], None]) -> None:
        self._policy = policy
        self._enqueue = enqueue
        self._waiting: dict[str, str] = {}
        self._admitted: dict[str, str] = {}
        self._asked = asyncio.Event()
        self._stopping = asyncio.Event()

    def __len__(self) -> int:
        """Namespaces in line."""
        return len(self._waiting)

    def admits(self, name: str, annotations: Mapping[str, str], revision: str) -> bool:
        """Whether the namespace may follow its tier to `revision` now; if not, it is in line."""
        if annotations.get(labels.REVISION) == revision or self._admitted.get(name) == revision:
            self._waiting.pop(name, None)
            return True
        if self._policy().rollout.strategy == "auto":
            self._waiting[name] = revision
            self._asked.set()
        return False

    def forget(self, name: str) -> None:
        """The namespace has followed, or is gone."""
        self._waiting.pop(name, None)
        self._admitted.pop(name, None)

    async def run(self) -> None:
        """Move the line until `stop`; can be run again after a cancellation."""
        while not self._stopping.is_set():
            await self._asked.wait()
            if not self._next():
                self._asked.clear()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(60.0 / self._policy().rollout.per_minute):
                    await self._stopping.wait()

    def stop(self) -> None:
        self._stopping.set()
        self._asked.set()

    def _next(self) -> bool:
        """Admit the first in line; False when there is none, or none is to be admitted any more."""
        if not self._waiting or self._policy().rollout.strategy != "auto" or self._stopping.is_set():
            return False
        name = next(iter(self._waiting))
        self._admitted[name] = self._waiting.pop(name)
        self._enqueue(name)
        return True
