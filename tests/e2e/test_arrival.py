"""A namespace arrives: labels, bundle and condition, on a real API server."""

import pytest

from tests.e2e import cluster
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation

pytestmark = pytest.mark.usefixtures("product")

TIERS = {
    "freemium": (
        {
            "requests.cpu": "1",
            "requests.memory": "2Gi",
            "limits.cpu": "2",
            "limits.memory": "4Gi",
            "pods": "5",
        },
        {"cpu": "100m", "memory": "128Mi"},
        {"cpu": "250m", "memory": "256Mi"},
    ),
    "small": (
        {
            "requests.cpu": "4",
            "requests.memory": "8Gi",
            "limits.cpu": "8",
            "limits.memory": "16Gi",
            "pods": "20",
        },
        {"cpu": "100m", "memory": "128Mi"},
        {"cpu": "500m", "memory": "512Mi"},
    ),
    "medium": (
        {
            "requests.cpu": "16",
            "requests.memory": "32Gi",
            "limits.cpu": "32",
            "limits.memory": "64Gi",
            "pods": "100",
        },
        {"cpu": "200m", "memory": "256Mi"},
        {"cpu": "1", "memory": "1Gi"},
    ),
    "large": (
        {
            "requests.cpu": "64",
            "requests.memory": "128Gi",
            "limits.cpu": "128",
            "limits.memory": "256Gi",
            "pods": "500",
        },
        {"cpu": "500m", "memory": "512Mi"},
        {"cpu": "2", "memory": "4Gi"},
    ),
}


def test_a_plain_namespace_gets_its_labels_and_the_name_of_who_asked(plane: ControlPlane, name: str) -> None:
    metadata = cluster.new(plane, name)["metadata"]
    assert metadata["labels"] == {
        "kubernetes.io/metadata.name": name,
        "app.kubernetes.io/managed-by": "ns-provisioner",
        "platform/team": name,
        "platform/tier": "small",
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    assert metadata["annotations"] == {"platform/requested-by": "ns-provisioner-admin"}


@pytest.mark.parametrize("tier", TIERS)
def test_each_tier_gives_exactly_its_values(plane: ControlPlane, name: str, tier: str) -> None:
    hard, default_request, default = TIERS[tier]
    cluster.new(plane, name, tier=tier, team="payments")
    found = cluster.bundle(plane, name)
    assert found["ResourceQuota/default"]["spec"] == {"hard": hard}
    assert found["LimitRange/default"]["spec"] == {
        "limits": [{"type": "Container", "default": default, "defaultRequest": default_request}]
    }


def test_the_bundle_is_complete_and_nothing_else(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name, team="payments")
    found = cluster.bundle(plane, name)
    assert set(found) == {
        "LimitRange/default",
        "ResourceQuota/default",
        "NetworkPolicy/default-deny-all",
        "NetworkPolicy/allow-same-namespace",
        "NetworkPolicy/allow-dns-egress",
        "RoleBinding/team-edit",
    }
    binding = found["RoleBinding/team-edit"]
    assert binding["roleRef"]["name"] == "edit"
    assert [(subject["kind"], subject["name"]) for subject in binding["subjects"]] == [
        ("Group", "team-payments")
    ]
    for item in found.values():
        assert item["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "ns-provisioner"
        assert item["metadata"]["labels"]["platform/tier"] == "small"
        assert len(item["metadata"]["labels"]["platform/tier-revision"]) == 10


def test_the_team_may_work_in_it_and_others_may_not(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name, team="payments")
    ask = ("auth", "can-i", "create", "deployments", "-n", name, "--as=dev")
    assert plane.kubectl(*ask, "--as-group=team-payments").strip() == "yes"
    assert cluster.may(plane, *ask, "--as-group=team-analytics") is False


def test_kubectl_wait_returns_when_the_bundle_is_there(plane: ControlPlane, name: str) -> None:
    plane.kubectl("create", "namespace", name)
    said = plane.kubectl("wait", "--for=condition=Provisioned", f"namespace/{name}", "--timeout=10s")
    assert "condition met" in said
    assert "tier small" in cluster.condition(plane, name)["message"]


def test_a_new_namespace_costs_six_objects_and_one_status(
    plane: ControlPlane, name: str, product: Installation
) -> None:
    before = cluster.writes(plane)
    cluster.new(plane, name)
    after = cluster.writes(plane)
    assert {
        kind: after[kind] - before.get(kind, 0) for kind in after if after[kind] != before.get(kind, 0)
    } == {
        "limitranges": 1,
        "resourcequotas": 1,
        "networkpolicies": 3,
        "rolebindings": 1,
        "namespaces": 1,
    }


def test_a_generated_name_works_once_the_team_is_named(plane: ControlPlane) -> None:
    manifest = cluster.namespace("", team="payments")
    manifest["metadata"] = {**manifest["metadata"], "generateName": "ci-"}
    del manifest["metadata"]["name"]
    status, answer = cluster.create(plane, manifest)
    assert status == 201, answer
    cluster.provisioned(plane, answer["metadata"]["name"])


def test_a_dry_run_leaves_nothing_behind(plane: ControlPlane, name: str) -> None:
    said = plane.kubectl("create", "namespace", name, "--dry-run=server", "-o", "jsonpath={.metadata.labels}")
    assert '"platform/tier":"small"' in said
    assert cluster.get(plane, f"/api/v1/namespaces/{name}") is None
