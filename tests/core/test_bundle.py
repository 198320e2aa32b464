"""The objects of a tier, in full and in order."""

import pytest
from hypothesis import given, settings

from tests.core.builders import POLICY, rendered, tier
from tests.core.strategies import legal_names
from webhook.core import bundle
from webhook.core.model import key_of

REVISION = POLICY.tiers["small"].revision
METADATA = {
    "namespace": "payments",
    "labels": {"app.kubernetes.io/managed-by": "ns-provisioner", "platform/tier-revision": REVISION},
}

SMALL = (
    {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "default", **METADATA},
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "500m", "memory": "512Mi"},
                    "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
                }
            ]
        },
    },
    {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "default", **METADATA},
        "spec": {
            "hard": {
                "requests.cpu": "4",
                "requests.memory": "8Gi",
                "limits.cpu": "8",
                "limits.memory": "16Gi",
                "pods": "20",
            }
        },
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "default-deny-all", **METADATA},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "allow-same-namespace", **METADATA},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}]}],
            "egress": [{"to": [{"podSelector": {}}]}],
        },
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "allow-dns-egress", **METADATA},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [
                        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
                    ],
                    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
                }
            ],
        },
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "team-edit", **METADATA},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "team-payments"}],
    },
)


def test_tier_small_in_full() -> None:
    made = bundle.render("payments", "payments", POLICY.tiers["small"])
    assert (made.tier, made.revision) == ("small", REVISION)
    assert made.objects == SMALL


@pytest.mark.parametrize("name", POLICY.tiers)
def test_guardrails_come_before_access(name: str) -> None:
    made = bundle.render("payments", "payments", POLICY.tiers[name])
    assert [str(key_of(item)) for item in made.objects] == [
        "LimitRange/default",
        "ResourceQuota/default",
        "NetworkPolicy/default-deny-all",
        "NetworkPolicy/allow-same-namespace",
        "NetworkPolicy/allow-dns-egress",
        "RoleBinding/team-edit",
    ]


def test_every_kind_has_an_api_version() -> None:
    assert {item["kind"]: item["apiVersion"] for item in rendered().objects} == dict(bundle.API_VERSIONS)


@settings(deadline=None)
@given(legal_names, legal_names)
def test_only_the_group_of_the_team_is_bound(namespace: str, team: str) -> None:
    binding = bundle.render(namespace, team, tier()).objects[-1]
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"team-{team}"}
    assert binding["subjects"] == [group]
    assert binding["metadata"]["namespace"] == namespace


def test_two_bundles_share_nothing_that_can_change() -> None:
    one, other = rendered(), rendered()
    one.objects[1]["spec"]["hard"]["pods"] = "9999"
    assert other.objects[1]["spec"]["hard"]["pods"] == "20"
    assert POLICY.tiers["small"].quota["pods"] == "20"
