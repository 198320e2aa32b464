"""Writes of many kinds that have nothing to do with us: what a cluster does to live, and to heal itself.

Each list is for one outage; its names end in `suffix`, so that the next outage can have its own.
"""

from typing import Any

from tools.chaos.cluster import Request

OWN_NAMESPACE = "ns-provisioner"
_CORE = "/api/v1"
_APPS = "/apis/apps/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_HOOKS = "/apis/admissionregistration.k8s.io/v1"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"

_LABELS = {"app": "chaos"}
_POD_SPEC = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "image": "example.invalid/none",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
"""Good for a namespace that takes only Pods of the restricted profile, as our own should be."""

_POLICY_RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


def writes(tenant: str, suffix: str) -> list[Request]:
    """In an order in which each can succeed. `tenant` is a managed namespace that exists."""
    return [
        *_of_nodes(suffix),
        *_of_control_planes(suffix),
        *_of_extensions(suffix),
        *_of_registrations(suffix),
        *(request for place in (OWN_NAMESPACE, "kube-system", tenant) for request in _of_pods(place, suffix)),
        *_of_namespaced_things(tenant, suffix),
        *_of_rights(tenant, suffix),
        _merge("label an exempt namespace", f"{_CORE}/namespaces/kube-system", {"chaos/seen": suffix}),
    ]


def _of_nodes(suffix: str) -> list[Request]:
    name = f"node-{suffix}"
    node = {"kind": "Node", "metadata": {"name": name}}
    ready = {"type": "Ready", "status": "True", "reason": "Chaos", "message": "."}
    path = f"{_CORE}/nodes/{name}"
    return [
        _create("a node", f"{_CORE}/nodes", node),
        Request("status of a node", "PATCH", f"{path}/status", {"status": {"conditions": [ready]}}),
        _merge("label a node", path, _LABELS),
        _create("a node's lease", _LEASES.format("kube-node-lease"), {"metadata": {"name": name}}),
        _renew("renew a node's lease", f"{_LEASES.format('kube-node-lease')}/{name}"),
        Request("delete a node", "DELETE", path),
    ]


def _of_control_planes(suffix: str) -> list[Request]:
    """What controllers need in order to lead, to speak and to ask."""
    leases, name = _LEASES.format("kube-system"), f"leader-{suffix}"
    involved = {"kind": "Namespace", "name": "kube-system", "namespace": "kube-system"}
    token = {"spec": {"token": "of nobody"}}
    event = {"metadata": {"name": name}, "involvedObject": involved, "reason": "Chaos", "type": "Normal"}
    question = {"spec": {"user": "dev", "resourceAttributes": {"verb": "get", "resource": "pods"}}}
    return [
        _create("a leader's lease", leases, {"metadata": {"name": name}}),
        _renew("renew a leader's lease", f"{leases}/{name}"),
        _create("an event", f"{_CORE}/namespaces/kube-system/events", event),
        _create("a review of rights", "/apis/authorization.k8s.io/v1/subjectaccessreviews", question),
        _create("a review of a token", "/apis/authentication.k8s.io/v1/tokenreviews", token),
    ]


def _of_extensions(suffix: str) -> list[Request]:
    group = f"{suffix}.chaos.example"
    names = {"plural": "things", "kind": "Thing"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": group, "names": names, "scope": "Namespaced", "versions": [version]}
    return [
        _create("a CRD", _CRDS, {"metadata": {"name": f"things.{group}"}, "spec": spec}),
        _merge("label a CRD", f"{_CRDS}/things.{group}", _LABELS),
        Request("delete a CRD", "DELETE", f"{_CRDS}/things.{group}"),
    ]


def _of_registrations(suffix: str) -> list[Request]:
    """Webhook configurations are what a person changes to get out of an outage."""
    path, name = f"{_HOOKS}/validatingwebhookconfigurations", f"other-{suffix}"
    return [
        _create("a webhook configuration", path, {"metadata": {"name": name}}),
        _merge("label our own webhook configuration", f"{path}/{OWN_NAMESPACE}", {"chaos/seen": suffix}),
        Request("delete a webhook configuration", "DELETE", f"{path}/{name}"),
    ]


def _of_pods(place: str, suffix: str) -> list[Request]:
    pods, name = f"{_CORE}/namespaces/{place}/pods", f"pod-{suffix}"
    pod = {"metadata": {"name": name}, "spec": _POD_SPEC}
    replicas = f"{_APPS}/namespaces/{place}/deployments"
    spec = {
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": _POD_SPEC},
    }
    return [
        _create(f"a pod in {place}", pods, pod),
        _merge(f"label a pod in {place}", f"{pods}/{name}", _LABELS),
        Request(f"evict a pod in {place}", "POST", f"{pods}/{name}/eviction", _eviction(name)),
        _create(f"a deployment in {place}", replicas, {"metadata": {"name": name}, "spec": spec}),
        _merge(f"label a deployment in {place}", f"{replicas}/{name}", _LABELS),
    ]


def _eviction(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name},
        "deleteOptions": {"gracePeriodSeconds": 0},
    }


def _of_namespaced_things(tenant: str, suffix: str) -> list[Request]:
    inside, name = f"{_CORE}/namespaces/{tenant}", f"thing-{suffix}"
    metadata = {"metadata": {"name": name}}
    ports = {"spec": {"ports": [{"port": 80}]}}
    return [
        _create("a config map", f"{inside}/configmaps", metadata),
        _create("a secret", f"{inside}/secrets", metadata),
        _create("a service account", f"{inside}/serviceaccounts", metadata),
        _create("a token", f"{inside}/serviceaccounts/{name}/token", {"spec": {}}),
        _create("a service", f"{inside}/services", metadata | ports),
        Request("delete a secret", "DELETE", f"{inside}/secrets/{name}"),
    ]


def _of_rights(tenant: str, suffix: str) -> list[Request]:
    name = f"rights-{suffix}"
    metadata = {"metadata": {"name": name}}
    role = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}}
    bindings = f"{_RBAC}/namespaces/{tenant}/rolebindings"
    return [
        _create("a cluster role", f"{_RBAC}/clusterroles", metadata | {"rules": [_POLICY_RULE]}),
        _create("a cluster role binding", f"{_RBAC}/clusterrolebindings", metadata | role),
        _create("a role binding", bindings, metadata | role),
        Request("delete a cluster role binding", "DELETE", f"{_RBAC}/clusterrolebindings/{name}"),
    ]


def _create(what: str, path: str, body: dict[str, Any]) -> Request:
    return Request(f"create {what}", "POST", path, body)


def _merge(what: str, path: str, labels: dict[str, str]) -> Request:
    return Request(what, "PATCH", path, {"metadata": {"labels": labels}})


def _renew(what: str, path: str) -> Request:
    return Request(what, "PATCH", path, {"spec": {"holderIdentity": "chaos", "leaseDurationSeconds": 40}})
