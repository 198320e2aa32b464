"""The objects a tier gives one namespace, in the order they are written: guardrails before access."""

from collections.abc import Mapping
from typing import Any

from webhook.core import labels
from webhook.core.model import Bundle, Manifest
from webhook.core.policy import Tier

API_VERSIONS: Mapping[str, str] = {
    "LimitRange": "v1",
    "ResourceQuota": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}
"""The kinds a bundle is made of, and the one API version of each that we read and write."""

_EDIT_ROLE = "edit"
_DNS_PORTS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
_DNS_NAMESPACE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
_ALL_PODS: dict[str, Any] = {"podSelector": {}}


def render(namespace: str, team: str, tier: Tier) -> Bundle:
    """The bundle of `namespace`. Pure: the same arguments give equal objects."""
    bodies: list[tuple[str, str, Manifest]] = [
        ("LimitRange", "default", {"spec": _limit_range(tier)}),
        ("ResourceQuota", "default", {"spec": {"hard": dict(tier.quota)}}),
        *(("NetworkPolicy", name, {"spec": spec}) for name, spec in _network_policies().items()),
        ("RoleBinding", "team-edit", _role_binding(team)),
    ]
    metadata = {
        "namespace": namespace,
        "labels": {labels.MANAGED_BY: labels.MANAGER, labels.TIER_REVISION: tier.revision},
    }
    objects = tuple(
        {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": {"name": name, **metadata}, **body}
        for kind, name, body in bodies
    )
    return Bundle(tier=tier.name, revision=tier.revision, objects=objects)


def _limit_range(tier: Tier) -> Manifest:
    limits = {
        "type": "Container",
        "default": dict(tier.default),
        "defaultRequest": dict(tier.default_request),
    }
    return {"limits": [limits]}


def _network_policies() -> Mapping[str, Manifest]:
    return {
        "default-deny-all": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        "allow-same-namespace": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [_ALL_PODS]}],
            "egress": [{"to": [_ALL_PODS]}],
        },
        # Without it nothing in the namespace resolves a name.
        "allow-dns-egress": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{"to": [_DNS_NAMESPACE], "ports": _DNS_PORTS}],
        },
    }


def _role_binding(team: str) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": _EDIT_ROLE},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": labels.team_group(team)}],
    }
