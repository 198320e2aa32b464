"""The two webhook configurations that register the admission pair with an API server."""

import base64
from collections.abc import Mapping
from typing import Any

from webhook.codec import admissionpolicy
from webhook.core import labels
from webhook.core.model import Manifest
from webhook.core.policy import Policy

_API_VERSION = "admissionregistration.k8s.io/v1"
_TIMEOUT_SECONDS = 3
"""An answer takes a millisecond; whoever hangs longer shall not hold up the cluster."""


def configurations(policy: Policy, client_config: Mapping[str, Any]) -> tuple[Manifest, Manifest]:
    """The mutating and the validating configuration; `client_config` says where `path` is added.

    Mutation may be missed (`Ignore`): what it would have added, validation then asks for (`Fail`).
    Deletion must work while we are down; the ValidatingAdmissionPolicy then keeps its rules alone.
    Namespaces are exempt by name and system components by identity, never by a label that a tenant
    could write.
    """
    changing = [
        _rule(("CREATE", "UPDATE"), "namespaces"),
        _rule(("UPDATE",), "namespaces/status", "namespaces/finalize"),
    ]
    hooks = [
        ("mutate", "Ignore", [_rule(("CREATE",), "namespaces")]),
        ("validate", "Fail", changing),
        ("validate-delete", "Ignore", [_rule(("DELETE",), "namespaces")]),
    ]
    mutating, *validating = (_webhook(policy, client_config, *hook) for hook in hooks)
    return (
        _configuration("MutatingWebhookConfiguration", [mutating]),
        _configuration("ValidatingWebhookConfiguration", validating),
    )


def url_client_config(url: str, ca_pem: bytes) -> dict[str, Any]:
    """Reach the admission pair by URL; `ca_pem` has to have signed its certificate."""
    return {"url": url.rstrip("/"), "caBundle": base64.b64encode(ca_pem).decode()}


def _configuration(kind: str, webhooks: list[Manifest]) -> Manifest:
    metadata = {"name": labels.MANAGER, "labels": {labels.MANAGED_BY: labels.MANAGER}}
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": metadata, "webhooks": webhooks}


def _webhook(
    policy: Policy, client_config: Mapping[str, Any], name: str, failure_policy: str, rules: list[Manifest]
) -> Manifest:
    exempt = {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": sorted(policy.exempt_names),
    }
    return {
        "name": f"{name}.ns-provisioner.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {**client_config, "url": f"{client_config['url']}/{name.partition('-')[0]}"},
        "rules": rules,
        "failurePolicy": failure_policy,
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": _TIMEOUT_SECONDS,
        "namespaceSelector": {"matchExpressions": [exempt]},
        "matchConditions": [admissionpolicy.not_finishing(), admissionpolicy.something_changes()],
    }


def _rule(operations: tuple[str, ...], *resources: str) -> Manifest:
    return admissionpolicy.rule("", "v1", operations, resources, "Cluster")
