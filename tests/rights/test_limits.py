"""What our accounts may not do, as the API server's own authorizer says it."""

from typing import NamedTuple

import pytest

from tools.controlplane.plane import ControlPlane
from tools.dev import accounts
from tools.dev.installation import Installation
from webhook.core import rights


class Deed(NamedTuple):
    """`resource` as in namespaces/status; without `namespace` it is for the whole cluster."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""
    namespace: str = ""


_RBAC = "rbac.authorization.k8s.io"
_REGISTRATION = "admissionregistration.k8s.io"
_LEASES = "coordination.k8s.io"

NOBODY_MAY = {
    "read a Secret": Deed("get", "secrets", namespace="kube-system"),
    "list Secrets": Deed("list", "secrets"),
    "read a Secret of its own namespace": Deed("get", "secrets", namespace=accounts.NAMESPACE),
    "take the webhooks away": Deed("delete", "validatingwebhookconfigurations", _REGISTRATION),
    "turn the webhooks elsewhere": Deed("patch", "mutatingwebhookconfigurations", _REGISTRATION),
    "take the policies away": Deed("delete", "validatingadmissionpolicies", _REGISTRATION),
    "unbind the policies": Deed("update", "validatingadmissionpolicybindings", _REGISTRATION),
    "give itself a role": Deed("create", "clusterrolebindings", _RBAC),
    "widen a role": Deed("update", "clusterroles", _RBAC, "ns-provisioner-controller"),
    "go beyond its rights": Deed("escalate", "clusterroles", _RBAC),
    "make a team cluster administrators": Deed("bind", "clusterroles", _RBAC, "cluster-admin"),
    "give away another role": Deed("bind", "clusterroles", _RBAC, "admin"),
    "be somebody else": Deed("impersonate", "users"),
    "make a token": Deed("create", "serviceaccounts/token", namespace="kube-system"),
    "run something": Deed("create", "pods", namespace="kube-system"),
    "run something in a pod": Deed("create", "pods/exec", namespace="kube-system"),
    "take a finalizer off a namespace": Deed("update", "namespaces/finalize"),
    "delete a namespace, which a dry run of expiry does not need": Deed("delete", "namespaces"),
    "replace a namespace": Deed("update", "namespaces"),
    "write a ConfigMap, which no built-in tier has": Deed("create", "configmaps", namespace="payments"),
    "hold a Lease of the system": Deed(
        "update", "leases", _LEASES, "ns-provisioner-controller", "kube-system"
    ),
    "hold another Lease": Deed("update", "leases", _LEASES, "another", accounts.NAMESPACE),
    "read Events": Deed("list", "events"),
    "do anything at all": Deed("*", "*", "*"),
}

THE_API_MAY_NOT = {
    "change a namespace": Deed("patch", "namespaces", name="payments"),
    "say that a namespace is ready": Deed("patch", "namespaces/status", name="payments"),
    "list namespaces": Deed("list", "namespaces"),
    "write a quota": Deed("create", "resourcequotas", namespace="payments"),
    "give access": Deed("create", "rolebindings", _RBAC, namespace="payments"),
    "hold the Lease": Deed("update", "leases", _LEASES, "ns-provisioner-controller", accounts.NAMESPACE),
}

_CASES = [(role, what, deed) for role in rights.ROLES for what, deed in NOBODY_MAY.items()] + [
    ("api", what, deed) for what, deed in THE_API_MAY_NOT.items()
]


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize(
    ("role", "deed"), [pytest.param(role, deed, id=f"{role}: {what}") for role, what, deed in _CASES]
)
def test_it_may_not(plane: ControlPlane, role: str, deed: Deed) -> None:
    assert not _may(plane, role, deed)


def test_the_question_is_one_that_can_be_answered_with_yes(
    plane: ControlPlane, product: Installation
) -> None:
    assert _may(plane, "controller", Deed("bind", "clusterroles", _RBAC, "edit"))
    assert _may(plane, "controller", Deed("patch", "namespaces/status", name="payments"))
    lease = Deed("update", "leases", _LEASES, "ns-provisioner-controller", accounts.NAMESPACE)
    assert _may(plane, "controller", lease)


def _may(plane: ControlPlane, role: str, deed: Deed) -> bool:
    resource, _, subresource = deed.resource.partition("/")
    attributes = {**deed._asdict(), "resource": resource, "subresource": subresource}
    (user,) = accounts.users([role])
    groups = [
        "system:serviceaccounts",
        f"system:serviceaccounts:{accounts.NAMESPACE}",
        "system:authenticated",
    ]
    spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
    answer = plane.api.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    assert answer.status == 201, answer.body
    return bool(answer.json()["status"]["allowed"])
