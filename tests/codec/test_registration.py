"""The registration of the admission pair."""

import base64

from tests.codec.builders import document
from tests.core.builders import POLICY
from webhook.codec import registration
from webhook.core import catalogue
from webhook.core.model import Manifest

CLIENT = registration.url_client_config("https://127.0.0.1:8443/", b"-----BEGIN")
mutating, validating = registration.configurations(POLICY, CLIENT)


def _rules(hook: Manifest) -> list[tuple[list[str], list[str]]]:
    return [(rule["operations"], rule["resources"]) for rule in hook["rules"]]


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
                        '["system:serviceaccount:kube-system:namespace-controller",'
                        '"system:serviceaccount:kube-system:generic-garbage-collector",'
                        '"system:kube-controller-manager"])',
                    },
                    {
                        "name": "something-changes",
                        "expression": "request.operation != 'UPDATE' || !("
                        "object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) && "
                        "object.metadata.?annotations.orValue({}) == "
                        "oldObject.metadata.?annotations.orValue({}) && "
                        "object.metadata.?ownerReferences.orValue([]) == "
                        "oldObject.metadata.?ownerReferences.orValue([]) && "
                        "object.?spec.?finalizers.orValue([]) == oldObject.?spec.?finalizers.orValue([]))",
                    },
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
    assert _rules(hook) == [
        (["CREATE", "UPDATE"], ["namespaces"]),
        (["UPDATE"], ["namespaces/status", "namespaces/finalize"]),
    ]


def test_deletion_is_decided_too_and_works_while_we_are_down() -> None:
    hook = validating["webhooks"][1]
    assert hook["name"] == "validate-delete.ns-provisioner.io"
    assert hook["clientConfig"]["url"] == "https://127.0.0.1:8443/validate"
    assert hook["failurePolicy"] == "Ignore"
    assert _rules(hook) == [(["DELETE"], ["namespaces"])]


def test_all_hooks_leave_out_the_same_requests() -> None:
    hooks: list[Manifest] = [*mutating["webhooks"], *validating["webhooks"]]
    first, *others = hooks
    assert len(others) == 2
    for other in others:
        for field in ("namespaceSelector", "matchConditions", "sideEffects", "timeoutSeconds", "matchPolicy"):
            assert first[field] == other[field]


def test_without_exempt_names_every_namespace_but_the_system_s_is_covered() -> None:
    nobody: dict[str, object] = {"policy/requesters": [], "policy/controllers": []}
    everywhere = catalogue.parse(document({**nobody, "policy/exemptNames": []}))
    for configuration in registration.configurations(everywhere, CLIENT):
        for hook in configuration["webhooks"]:
            (expression,) = hook["namespaceSelector"]["matchExpressions"]
            assert expression["operator"] == "NotIn"
            assert expression["values"] == ["default", "kube-node-lease", "kube-public", "kube-system"]
