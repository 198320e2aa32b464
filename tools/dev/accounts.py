"""The accounts that the product's processes have on a plane: with the rights of `nsp rbac` and no others."""

from collections.abc import Iterable
from pathlib import Path

from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from webhook.codec import rbac

NAMESPACE = "ns-provisioner"
"""Where the accounts and the Lease are; the built-in catalogue exempts it and names the accounts."""

_TOKEN_SECONDS = 365 * 24 * 3600
"""Longer than any plane lives. In a pod the kubelet renews the token instead."""

_NAMESPACES = "/api/v1/namespaces"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_LAST_VERB = {"controller": "patch", "api": "create"}


def install(plane: ControlPlane, manifests: str) -> None:
    """Apply what `nsp rbac` has printed, in the namespace that it needs."""
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    answer = plane.api.send("POST", _NAMESPACES, own)
    if answer.status not in (201, 409):
        raise ControlPlaneError(f"the namespace {NAMESPACE} cannot be made: {answer.body.decode()}")
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)


def write_kubeconfig(plane: ControlPlane, role: str, path: Path) -> None:
    """A kubeconfig for the account of `role`, as soon as its rights are in force."""
    waiting.until(lambda: _may(plane, role), f"the rights of {rbac.account(role)}", [])
    plane.write_kubeconfig(path, _token(plane, role))


def users(roles: Iterable[str]) -> list[str]:
    """The accounts as users, by which an audit log names them."""
    return [rbac.user(role, NAMESPACE) for role in roles]


def _may(plane: ControlPlane, role: str) -> bool:
    """The authorizer hears of new roles by watching, like everybody else."""
    attributes = {"resource": "namespaces", "verb": _LAST_VERB[role]}
    spec = {"user": rbac.user(role, NAMESPACE), "resourceAttributes": attributes}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = plane.api.send("POST", _REVIEWS, review)
    return answer.status == 201 and bool(answer.json()["status"]["allowed"])


def _token(plane: ControlPlane, role: str) -> str:
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _TOKEN_SECONDS},
    }
    path = f"{_NAMESPACES}/{NAMESPACE}/serviceaccounts/{rbac.account(role)}/token"
    answer = plane.api.send("POST", path, request)
    if answer.status != 201:
        raise ControlPlaneError(f"no token for {rbac.account(role)}: {answer.body.decode()}")
    return str(answer.json()["status"]["token"])
