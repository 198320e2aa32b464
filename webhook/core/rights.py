"""What each role asks of the API server, in RBAC's words: the one table of our rights.

The admission role asks for nothing: it holds no credentials. Only what the tier catalogue makes a role
do is in its rights, so they are made anew when the catalogue changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.core import bundle
from webhook.core.model import API_VERSIONS, Manifest
from webhook.core.policy import Policy

ROLES = ("controller", "api")
"""The roles that talk to the API server."""

LEASE = "ns-provisioner-controller"
"""Name of the Lease by which controllers agree on one writer."""

_RBAC = "rbac.authorization.k8s.io"
_WATCHED = ("list", "watch")
_WRITTEN = ("get", "create", "update", "patch", "delete")

_RESOURCES = {
    "LimitRange": "limitranges",
    "ResourceQuota": "resourcequotas",
    "NetworkPolicy": "networkpolicies",
    "ConfigMap": "configmaps",
    "RoleBinding": "rolebindings",
}


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a resource, or a subresource as in namespaces/status; with `names`, on these objects alone."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """In the whole cluster, and in the namespace of the installation."""

    cluster: tuple[Right, ...]
    own: tuple[Right, ...] = ()


def of(role: str, policy: Policy) -> Rights:
    """The rights of one of ROLES under a catalogue."""
    return _api() if role == "api" else _controller(policy)


def _api() -> Rights:
    """It creates namespaces, and waits for one by a watch that names it."""
    return Rights((Right("", "namespaces", ("create", "get", "watch")),))


def _controller(policy: Policy) -> Rights:
    """Nothing here writes webhooks, reads Secrets, or gives away more than the catalogue's ClusterRoles.

    RBAC refuses a RoleBinding to whoever lacks the rights that it gives, unless `bind` is theirs.
    """
    objects = list(_objects(policy))
    written = {manifest["kind"] for manifest in objects}
    given = sorted({manifest["roleRef"]["name"] for manifest in objects if manifest["kind"] == "RoleBinding"})
    return Rights(
        cluster=(
            Right(
                "", "namespaces", (*_WATCHED, "patch", *(() if policy.expiry.dry_run else ("get", "delete")))
            ),
            Right("", "namespaces/status", ("patch",)),
            *(
                Right(_group(kind), resource, (*_WATCHED, *(_WRITTEN if kind in written else ())))
                for kind, resource in _RESOURCES.items()
            ),
            Right(_RBAC, "clusterroles", ("bind",), tuple(given)),
            Right("", "events", ("create",)),
        ),
        own=(
            Right("coordination.k8s.io", "leases", ("create",)),  # RBAC cannot name what is not there yet
            Right("coordination.k8s.io", "leases", ("get", "update"), (LEASE,)),
        ),
    )


def _objects(policy: Policy) -> Iterator[Manifest]:
    """What some namespace of some team may get."""
    for tier in policy.tiers.values():
        yield from bundle.render("name", "team", tier, quota=tier.quota, group="group").objects


def _group(kind: str) -> str:
    group, slash, _ = API_VERSIONS[kind].partition("/")
    return group if slash else ""
