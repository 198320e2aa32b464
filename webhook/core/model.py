"""The values that decisions are made from, and the values they return."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as the API server speaks it: raw, nothing dropped, nothing added."""


API_VERSIONS: Mapping[str, str] = {
    "LimitRange": "v1",
    "ResourceQuota": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "ConfigMap": "v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}
"""The kinds a bundle is made of, and the one API version of each that we read and write."""


class Operation(StrEnum):
    """The operations of a review that we serve."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `userInfo` of a review, or the subject of an API token."""

    username: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamespaceState:
    """The part of a Namespace that the rules look at."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    """The ownerReferences, each as Kind/name with its uid: equal texts are the same reference."""
    finalizers: tuple[str, ...] = ()
    """`spec.finalizers`: while one is there, a deleted namespace is emptied before it goes."""
    terminating: bool = False
    """Whether its deletion has begun."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one admission decision is made from.

    `name` is empty while the API server has yet to generate it. `old` is None on CREATE; on DELETE
    `new` and `old` are the same: a deletion changes nothing but that the namespace goes.
    """

    operation: Operation
    name: str
    caller: Caller
    new: NamespaceState
    old: NamespaceState | None = None
    age: int | None = None
    """Seconds since the namespace was created; None on CREATE."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule, with everything a person needs to mend it.

    `forbidden` tells a matter of who is asking (HTTP 403) from one of what was sent (422).
    """

    rule: str
    path: str
    sent: str
    allowed: str
    suggestion: str
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one request: allowed exactly when no rule in force was violated.

    `tolerated` are violations of rules that the policy does not enforce; `warnings` are sentences for
    the caller, of at most 120 characters each.
    """

    violations: tuple[Violation, ...] = ()
    tolerated: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.violations

    @property
    def code(self) -> int:
        """HTTP status of the denial: 403 only when everything wrong is a matter of rights."""
        if self.allowed:
            return 200
        return 403 if all(violation.forbidden for violation in self.violations) else 422


@dataclass(frozen=True, slots=True)
class Additions:
    """The keys a mutation adds. Nothing that is there already is ever among them."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def applied_to(self, state: NamespaceState) -> NamespaceState:
        return replace(
            state,
            labels={**state.labels, **self.labels},
            annotations={**state.annotations, **self.annotations},
        )


class ObjectKey(NamedTuple):
    """Names one object inside a namespace; `kind` is enough, we own one API version of each."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def key_of(manifest: Manifest) -> ObjectKey:
    return ObjectKey(manifest["kind"], manifest["metadata"]["name"])


@dataclass(frozen=True, slots=True)
class Bundle:
    """The objects that a tier gives one namespace, in the order they are to be written."""

    tier: str
    revision: str
    objects: tuple[Manifest, ...]


class Action(StrEnum):
    """How a difference is mended."""

    CREATE = "create"  # not there yet: POST, which never touches what is there after all
    RESTORE = "restore"  # not there any more: POST, or else what stands in its place is put right
    APPLY = "apply"  # only something of ours is missing: forced server-side apply
    REPLACE = "replace"  # it says something else or more, which apply cannot remove: PUT
    RECREATE = "recreate"  # an immutable field differs: delete, then create
    PRUNE = "prune"  # the tier has no such object any more: delete


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `observed` is the object it was decided on, None when there was none.

    `adoption` is one of policy.ADOPTIONS: what a CREATE may do with somebody else's object.
    """

    action: Action
    manifest: Manifest
    observed: Manifest | None = None
    adoption: str = "Never"


class ConditionStatus(StrEnum):
    """Kubernetes' three-valued condition status."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """What the `Provisioned` condition of a namespace says.

    `since` is when `status` last changed (RFC 3339); empty means: as of the moment it is written.
    """

    status: ConditionStatus
    reason: str
    message: str
    since: str = field(default="", compare=False)
