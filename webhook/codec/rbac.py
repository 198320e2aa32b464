"""The RBAC manifests that give each role its account and exactly its rights."""

from collections.abc import Iterable

from webhook.core import labels, rights
from webhook.core.errors import NsProvisionerError
from webhook.core.model import Manifest
from webhook.core.policy import Policy
from webhook.core.rights import Right

_GROUP = "rbac.authorization.k8s.io"


class UnknownAccountError(NsProvisionerError):
    """The catalogue does not name an account of ours, so that admission would take it for a tenant."""


def account(role: str) -> str:
    """Name of the ServiceAccount, and of all that gives it its rights."""
    return f"{labels.MANAGER}-{role}"


def user(role: str, namespace: str) -> str:
    """The account's name as a user, which is how the catalogue names it."""
    return f"system:serviceaccount:{namespace}:{account(role)}"


def manifests(policy: Policy, roles: Iterable[str], namespace: str) -> list[Manifest]:
    """Accounts in `namespace` (which has to exist), roles and bindings, in the order to apply them.

    Raises UnknownAccountError for an account that `policy` gives no part.
    """
    found: list[Manifest] = []
    for role in roles:
        _require_known(policy, role, namespace)
        found += _manifests(role, rights.of(role, policy), namespace)
    return found


def _require_known(policy: Policy, role: str, namespace: str) -> None:
    setting = {"controller": "controllers", "api": "requesters"}[role]
    known = policy.controllers if role == "controller" else policy.requesters
    name = user(role, namespace)
    if name not in known:
        raise UnknownAccountError(
            f"policy.{setting} of the tier catalogue does not name {name}, "
            f"so the rules would refuse what the {role} does: add it there, or choose another --namespace"
        )


def _manifests(role: str, granted: rights.Rights, namespace: str) -> list[Manifest]:
    name = account(role)
    own = {"name": name, "namespace": namespace}
    found = [
        _manifest("v1", "ServiceAccount", own),
        _manifest(f"{_GROUP}/v1", "ClusterRole", {"name": name}, rules=_rules(granted.cluster)),
        _binding("ClusterRoleBinding", {"name": name}, "ClusterRole", own),
    ]
    if granted.own:
        found.append(_manifest(f"{_GROUP}/v1", "Role", own, rules=_rules(granted.own)))
        found.append(_binding("RoleBinding", own, "Role", own))
    return found


def _binding(kind: str, metadata: Manifest, role_kind: str, subject: Manifest) -> Manifest:
    return _manifest(
        f"{_GROUP}/v1",
        kind,
        metadata,
        roleRef={"apiGroup": _GROUP, "kind": role_kind, "name": subject["name"]},
        subjects=[{"kind": "ServiceAccount", **subject}],
    )


def _manifest(api_version: str, kind: str, metadata: Manifest, **content: object) -> Manifest:
    """Without our managed-by label: that is for what tenants have, and the controller keeps in order."""
    labelled = {**metadata, "labels": {"app.kubernetes.io/name": labels.MANAGER}}
    return {"apiVersion": api_version, "kind": kind, "metadata": labelled, **content}


def _rules(granted: Iterable[Right]) -> list[Manifest]:
    return [
        {
            "apiGroups": [right.group],
            "resources": [right.resource],
            **({"resourceNames": list(right.names)} if right.names else {}),
            "verbs": list(right.verbs),
        }
        for right in granted
    ]
