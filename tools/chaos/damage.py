"""What is done to managed namespaces, by whoever has the right to: made, changed, damaged, deleted."""

from tools.chaos.cluster import Request
from tools.chaos.exact import managed
from webhook.core import labels

COLLECTION = "/api/v1/namespaces"
_NETWORKING = "/apis/networking.k8s.io/v1/namespaces"
_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


def create(name: str, tier: str = "small", **annotations: str) -> Request:
    return Request("create", "POST", COLLECTION, managed(name, tier, **annotations), (201,), name)


def delete(name: str) -> Request:
    return Request("delete", "DELETE", f"{COLLECTION}/{name}", None, (200,), name)


def change_tier(name: str, tier: str) -> Request:
    return _patch(
        "change the tier", name, f"{COLLECTION}/{name}", {"metadata": {"labels": {labels.TIER: tier}}}
    )


def raise_quota(name: str, pods: int = 9999) -> Request:
    return _patch("raise the quota", name, quota(name), {"spec": {"hard": {"pods": str(pods)}}})


def open_policy(name: str, turn: int = 0) -> Request:
    """A field that apply cannot take away: it lets everybody in."""
    port = {"port": 1024 + turn % 60000, "protocol": "TCP"}
    return _patch("open a policy", name, network_policy(name), {"spec": {"ingress": [{"ports": [port]}]}})


def every(name: str) -> list[Request]:
    """One of each kind, for different objects, so that each needs a repair of its own."""
    policies = f"{_NETWORKING}/{name}/networkpolicies"
    forgotten = {"metadata": {"labels": {labels.TIER_REVISION: None}}}
    unlimited = {"spec": {"limits": [{"type": "Container", "max": {"cpu": "99"}}]}}
    return [
        Request("delete the quota", "DELETE", quota(name), name=name),
        Request("delete the binding", "DELETE", f"{_RBAC}/{name}/rolebindings/team-edit", name=name),
        Request("delete a policy", "DELETE", f"{policies}/allow-dns-egress", name=name),
        open_policy(name),
        _patch("change a label", name, f"{policies}/allow-same-namespace", forgotten),
        _patch("change the limits", name, f"{COLLECTION}/{name}/limitranges/default", unlimited),
    ]


def quota(name: str) -> str:
    return f"{COLLECTION}/{name}/resourcequotas/default"


def network_policy(name: str) -> str:
    return f"{_NETWORKING}/{name}/networkpolicies/default-deny-all"


def _patch(what: str, name: str, path: str, body: object) -> Request:
    return Request(what, "PATCH", path, body, (200,), name)
