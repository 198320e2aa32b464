"""The built-in catalogue has the promised values, and a tier's revision stands for what it says."""

from pathlib import Path

import pytest

from tests.codec.builders import CATALOGUE, catalogue_text, document
from webhook.adapters import catalogue_file
from webhook.codec import catalogue
from webhook.core import catalogue as content
from webhook.core.policy import TeamGroups

BUILT_IN = catalogue_file.load(None)

TIERS = {
    "freemium": (
        {
            "requests.cpu": "1",
            "requests.memory": "2Gi",
            "limits.cpu": "2",
            "limits.memory": "4Gi",
            "pods": "5",
        },
        {"cpu": "250m", "memory": "256Mi"},
        {"cpu": "100m", "memory": "128Mi"},
    ),
    "small": (
        {
            "requests.cpu": "4",
            "requests.memory": "8Gi",
            "limits.cpu": "8",
            "limits.memory": "16Gi",
            "pods": "20",
        },
        {"cpu": "500m", "memory": "512Mi"},
        {"cpu": "100m", "memory": "128Mi"},
    ),
    "medium": (
        {
            "requests.cpu": "16",
            "requests.memory": "32Gi",
            "limits.cpu": "32",
            "limits.memory": "64Gi",
            "pods": "100",
        },
        {"cpu": "1000m", "memory": "1Gi"},
        {"cpu": "200m", "memory": "256Mi"},
    ),
    "large": (
        {
            "requests.cpu": "64",
            "requests.memory": "128Gi",
            "limits.cpu": "128",
            "limits.memory": "256Gi",
            "pods": "500",
        },
        {"cpu": "2000m", "memory": "4Gi"},
        {"cpu": "500m", "memory": "512Mi"},
    ),
}
"""Quota, default and defaultRequest of design.md 4.5."""


def test_the_built_in_tiers() -> None:
    assert list(BUILT_IN.tiers) == ["freemium", "small", "medium", "large"]


@pytest.mark.parametrize("name", TIERS)
def test_the_built_in_values(name: str) -> None:
    tier = BUILT_IN.tiers[name]
    assert (tier.quota, tier.default, tier.default_request) == TIERS[name]
    assert tier.name == name
    assert tier.title == name
    assert tier.pod_security == {"enforce": "baseline", "warn": "restricted"}
    assert list(tier.network_policies) == ["default-deny-all", "allow-same-namespace", "allow-dns-egress"]
    assert (tier.extra_manifests, tier.overrides) == ((), {})
    assert tier.allowed_groups == {"*"}
    assert (tier.ttl, tier.max_ttl, tier.deletion_protection, tier.replaced_by) == (None, None, False, None)


def test_the_built_in_policy() -> None:
    assert BUILT_IN.default_tier == "small"
    assert BUILT_IN.unlabelled == "default"
    assert BUILT_IN.name_pattern.text == "^[a-z][a-z0-9-]{1,30}$"
    assert BUILT_IN.team_separator == ""
    assert BUILT_IN.team_groups == TeamGroups("team-")
    assert BUILT_IN.reserved_names == {"admin", "ns-provisioner"}
    assert BUILT_IN.reserved_prefixes == ("kube-", "openshift-")
    assert BUILT_IN.admin_groups == {"platform-admins", "system:masters"}
    assert BUILT_IN.requesters == {"system:serviceaccount:ns-provisioner:ns-provisioner-api"}
    assert BUILT_IN.controllers == {"system:serviceaccount:ns-provisioner:ns-provisioner-controller"}
    assert BUILT_IN.appliers == set()
    assert (BUILT_IN.required_labels, BUILT_IN.required_annotations, BUILT_IN.modes) == ({}, {}, {})
    assert BUILT_IN.exempt_names == {
        "default",
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "cert-manager",
        "ns-provisioner",
    }


@pytest.mark.parametrize(
    "stated", [[], ["cert-manager"], ["default"], ["kube-system", "kube-system"]], ids=str
)
def test_the_system_s_namespaces_are_exempt_whatever_the_file_says(stated: list[str]) -> None:
    nobody: dict[str, object] = {"policy/requesters": [], "policy/controllers": []}
    found = content.parse(document({**nobody, "policy/exemptNames": stated})).exempt_names
    assert found == {"default", "kube-node-lease", "kube-public", "kube-system", *stated}


def test_the_built_in_file_lists_only_what_the_system_does_not_have() -> None:
    assert document()["policy"]["exemptNames"] == ["cert-manager", "ns-provisioner"]


def test_a_copy_of_the_built_in_file_says_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "catalogue.yaml"
    copy.write_text(CATALOGUE, encoding="utf-8")
    assert catalogue_file.load(copy) == BUILT_IN


def test_bare_numbers_are_quantities() -> None:
    changes: dict[str, object] = {"tiers/small/quota/pods": 20, "tiers/small/limitRange/default/cpu": 0.5}
    tier = catalogue.parse(catalogue_text(changes)).tiers["small"]
    assert (tier.quota["pods"], tier.default["cpu"]) == ("20", "0.5")


def test_a_request_may_equal_its_limit_however_it_is_written() -> None:
    changes: dict[str, object] = {"tiers/small/limitRange/defaultRequest/cpu": "0.5"}
    assert catalogue.parse(catalogue_text(changes)).tiers["small"].default_request["cpu"] == "0.5"
