"""Who attacks. RBAC gives each of them everything short of cluster-admin; only our rules are in the way."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.attack.words import Manifest

_AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` is for people."""

    name: str
    user: str
    groups: tuple[str, ...] = ()


STRANGER = Actor("a tenant of another team", "mallory", ("team-shop", _AUTHENTICATED))
MEMBER = Actor("a member of the owning team", "jane", ("team-payments", _AUTHENTICATED))
ACCOUNT = Actor(
    "a tenant's service account",
    "system:serviceaccount:workloads:robot",
    ("system:serviceaccounts", "system:serviceaccounts:workloads", _AUTHENTICATED),
)
NAMESPACE_ADMIN = Actor("an admin of the namespace", "nadia", (_AUTHENTICATED,))
NOBODY = Actor("somebody without groups", "system:anonymous")
IMPOSTOR = Actor(
    "somebody called almost like us",
    "system:serviceaccount:ns-provisioner2:ns-provisioner-controller",
    ("team-", "team-payments-", "platform-admin", "system:serviceaccounts:ns-provisioner", _AUTHENTICATED),
)
ATTACKERS = (STRANGER, MEMBER, ACCOUNT, NAMESPACE_ADMIN, NOBODY, IMPOSTOR)

ADMIN = Actor("a platform admin", "root", ("platform-admins", _AUTHENTICATED))
"""Not an attacker: shows that a change through a door does something where the rules allow it."""

API = Actor("our API", "system:serviceaccount:ns-provisioner:ns-provisioner-api", ("system:serviceaccounts",))
CONTROLLER = Actor(
    "our controller",
    "system:serviceaccount:ns-provisioner:ns-provisioner-controller",
    ("system:serviceaccounts",),
)
FLUX = Actor(
    "a GitOps applier",
    "system:serviceaccount:flux-system:kustomize-controller",
    ("system:serviceaccounts", "system:serviceaccounts:flux-system"),
)
DEVS = Actor("a member by a group with a suffix", "joan", ("payments-devs", _AUTHENTICATED))
ROBOT = Actor("a requester", "ci-robot", (_AUTHENTICATED,))
EVERYBODY = (*ATTACKERS, ADMIN, API, CONTROLLER, FLUX, DEVS, ROBOT)

_CORE = ["resourcequotas", "resourcequotas/status", "limitranges", "configmaps", "services", "events"]
_RULES = [
    {"apiGroups": [""], "resources": ["namespaces", "namespaces/status", "namespaces/finalize", *_CORE]},
    {"apiGroups": [""], "resources": ["serviceaccounts", "secrets", "endpoints", "pods"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]},
    {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings", "roles"]},
]
_BIND = {
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["clusterroles"],
    "resourceNames": ["admin", "edit", "view"],
    "verbs": ["bind"],
}


def rights(actors: Sequence[Actor] = EVERYBODY) -> list[Manifest]:
    """A ClusterRole with every verb on all that is attacked, and its binding to `actors`."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "attackers"},
        "rules": [*({**rule, "verbs": ["*"]} for rule in _RULES), _BIND],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "attackers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "attackers"},
        "subjects": [_user(actor.user) for actor in actors],
    }
    return [role, binding]


def namespace_admin(namespace: str) -> Manifest:
    """The RoleBinding that makes NAMESPACE_ADMIN one."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "admins", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [_user(NAMESPACE_ADMIN.user)],
    }


def _user(name: str) -> Manifest:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
