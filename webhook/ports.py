"""What the edges need from the outside world, as the narrowest interfaces that serve.

The adapters implement these; tests implement them in a few lines.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeAlias

from webhook.core.model import Caller, Change, Condition, Manifest, ObjectKey
from webhook.core.policy import Policy

PolicySource: TypeAlias = Callable[[], Policy]
"""Gives the snapshot in force."""


class Clock(Protocol):
    """Wall-clock time, in UTC."""

    def now(self) -> datetime: ...


class TokenVerifier(Protocol):
    """Tells who a bearer token belongs to."""

    def verify(self, token: str) -> Caller | None:
        """The caller, or None for a token that nobody was given."""
        ...


class ClusterReader(Protocol):
    """The controller's view of the cluster, from memory: it makes no call."""

    def namespace(self, name: str) -> Manifest | None: ...

    def bundle_objects(self, namespace: str) -> Mapping[ObjectKey, Manifest]:
        """The bundle objects that `namespace` has now."""
        ...

    def take_departed(self, name: str) -> Manifest | None:
        """The last known state of a namespace that is managed no more; forgotten once taken."""
        ...


class TeamReader(Protocol):
    """What is known of the managed namespaces of a team, from memory: it makes no call."""

    def team(self, name: str) -> Iterable[Manifest]:
        """Those that are being deleted are among them until they are gone."""
        ...

    def bundle_objects(self, namespace: str) -> Mapping[ObjectKey, Manifest]: ...


class Sink(Protocol):
    """Where a bundle goes. Every method may raise ClusterError."""

    async def write(self, change: Change) -> None:
        """Raises ForeignObjectError when the object is not ours to write."""
        ...

    async def set_condition(self, namespace: Manifest, condition: Condition) -> None:
        """Write the condition into exactly this namespace, never a namesake."""
        ...

    async def set_expiry(self, namespace: Manifest, expires_at: int | None) -> None:
        """Set the label platform/expires-at (Unix seconds), or take it away."""
        ...


class EventRecorder(Protocol):
    """Tells people who look at a namespace what happened to it."""

    def record(self, namespace: Manifest, *, warning: bool, reason: str, message: str) -> None:
        """Ask for a Kubernetes Event. Never blocks and never raises: events may be lost."""
        ...


class ManagedNamespaces(Protocol):
    """What is known of all managed namespaces, from memory: it makes no call."""

    def namespaces(self) -> Iterable[Manifest]: ...

    def bundle_objects(self, namespace: str) -> Mapping[ObjectKey, Manifest]: ...


class IdleMarks(Protocol):
    """Where it is noted since when a namespace has had no pods. May raise ClusterError."""

    async def set_idle_since(self, namespace: Manifest, since: int | None) -> None:
        """Set the annotation platform/idle-since (Unix seconds), or take it away."""
        ...


class Reaper(Protocol):
    """How namespaces are ended. Every method may raise ClusterError."""

    async def fetch(self, name: str) -> Manifest:
        """The namespace as it is now, not as memory has it. Raises NotFoundError."""
        ...

    async def fetch_quota(self, name: str) -> Manifest | None:
        """The ResourceQuota `default` of a namespace as it is now."""
        ...

    async def delete(self, namespace: Manifest) -> None:
        """Delete exactly what was fetched: ConflictError when anything about it has changed since."""
        ...


class NamespaceGateway(Protocol):
    """How the API role asks for namespaces. Every method may raise ClusterError."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Raises ConflictError when the namespace exists."""
        ...

    async def get(self, name: str) -> Manifest:
        """Raises NotFoundError."""
        ...

    async def wait_provisioned(self, name: str, *, seconds: float) -> Condition | None:
        """Wait at most `seconds` for `Provisioned` to be True; what it said last otherwise."""
        ...
