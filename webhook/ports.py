"""What the edges need from the outside world, as the narrowest interfaces that serve.

The adapters implement these; tests implement them in a few lines.
"""

from collections.abc import Callable, Mapping
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


class Sink(Protocol):
    """Where a bundle goes. Every method may raise ClusterError."""

    async def write(self, change: Change) -> None: ...

    async def set_condition(self, namespace: str, condition: Condition) -> None: ...


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
