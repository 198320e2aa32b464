"""The registration of the admission pair."""

import base64

from tests.codec.builders import document
from tests.core.builders import POLICY
from webhook.codec import registration
from webhook.core import policy
from webhook.core.model import Manifest

CLIENT = registration.url_client_config("https://127.0.0.1:8443/", b"-----BEGIN")
mutating, validating = registration.configurations(POLICY, CLIENT)


def _rules(configuration: Manifest) -> list[tuple[list[str], list[str]]]:
    return [(rule["operations"], rule["resources"]) for rule in configuration["webhooks"][0]["rules"]]


def test_the_mutating_configuration_in_full() -> None:
    assert mutating == {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "ns-provisioner", "labels": {"app.kubernetes.io/managed-by": "ns-provisioner"}},
        "webhooks": [
            {
                "name": "mutate.ns-provisioner.io",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {
                    "url": "https://127.0.0.1:8443/mutate",
                    "caBundle": base64.b64encode(b"-----BEGIN").decode(),
                },
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["namespaces"],
                        "scope": "Cluster",
                    }
                ],
                "failurePolicy": "Ignore",
                "matchPolicy": "Equivalent",
                "sideEffects": "None",
                "timeoutSeconds": 3,
                "namespaceSelector": {
                    "matchExpressions": [
                        {
                            "key": "kubernetes.io/metadata.name",
                            "operator": "NotIn",
                            "values": [
                                "cert-manager",
                                "default",
                                "kube-node-lease",
                                "kube-public",
                                "kube-system",
                                "ns-provisioner",
                            ],
                        }
                    ]
                },
                "matchConditions": [
                    {
                        "name": "not-finishing-a-deletion",
                        "expression": "!(request.userInfo.username in "
                        "['system:serviceaccount:kube-system:namespace-controller', "
                        "'system:serviceaccount:kube-system:generic-garbage-collector', "
                        "'system:kube-controller-manager'])",
                    }
                ],
            }
        ],
    }


def test_validation_covers_the_subresources_and_fails_closed() -> None:
    hook = validating["webhooks"][0]
    assert validating["kind"] == "ValidatingWebhookConfiguration"
    assert hook["name"] == "validate.ns-provisioner.io"
    assert hook["clientConfig"]["url"] == "https://127.0.0.1:8443/validate"
    assert hook["failurePolicy"] == "Fail"
    assert _rules(validating) == [
        (["CREATE", "UPDATE"], ["namespaces"]),
        (["UPDATE"], ["namespaces/status", "namespaces/finalize"]),
    ]


def test_both_hooks_leave_out_the_same_requests() -> None:
    one, other = mutating["webhooks"][0], validating["webhooks"][0]
    for field in ("namespaceSelector", "matchConditions", "sideEffects", "timeoutSeconds", "matchPolicy"):
        assert one[field] == other[field]


def test_without_exempt_names_every_namespace_but_the_system_s_is_covered() -> None:
    everywhere = policy.parse(document({"policy/exemptNames": []}))
    for configuration in registration.configurations(everywhere, CLIENT):
        (expression,) = configuration["webhooks"][0]["namespaceSelector"]["matchExpressions"]
        assert expression["operator"] == "NotIn"
        assert expression["values"] == ["default", "kube-node-lease", "kube-public", "kube-system"]
