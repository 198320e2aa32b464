"""The objects of a tier, in full and in order."""

import pytest
from hypothesis import given, settings

from tests.core.builders import POLICY, policy, rendered, state, tier
from tests.core.strategies import legal_names
from webhook.core import bundle, labels
from webhook.core.model import API_VERSIONS, Bundle, key_of
from webhook.core.networkpolicies import STANDARD

REVISION = POLICY.tiers["small"].revision
METADATA = {
    "namespace": "payments",
    "labels": {
        "app.kubernetes.io/managed-by": "ns-provisioner",
        "platform/tier": "small",
        "platform/tier-revision": REVISION,
    },
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


def _made(namespace: str, team: str, name: str = "small") -> Bundle:
    chosen = POLICY.tiers[name]
    return bundle.render(namespace, team, chosen, quota=chosen.quota, group=POLICY.group_of(team))


def test_tier_small_in_full() -> None:
    made = _made("payments", "payments")
    assert (made.tier, made.revision) == ("small", REVISION)
    assert made.objects == SMALL


@pytest.mark.parametrize("name", POLICY.tiers)
def test_guardrails_come_before_access(name: str) -> None:
    made = _made("payments", "payments", name)
    assert [str(key_of(item)) for item in made.objects] == [
        "LimitRange/default",
        "ResourceQuota/default",
        "NetworkPolicy/default-deny-all",
        "NetworkPolicy/allow-same-namespace",
        "NetworkPolicy/allow-dns-egress",
        "RoleBinding/team-edit",
    ]


def test_every_kind_has_an_api_version() -> None:
    for item in rendered().objects:
        assert item["apiVersion"] == API_VERSIONS[item["kind"]]


@settings(deadline=None)
@given(legal_names, legal_names)
def test_only_the_group_of_the_team_is_bound(namespace: str, team: str) -> None:
    binding = _made(namespace, team).objects[-1]
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"team-{team}"}
    assert binding["subjects"] == [group]
    assert binding["metadata"]["namespace"] == namespace


def test_two_bundles_share_no_quota() -> None:
    one, other = rendered(), rendered()
    one.objects[1]["spec"]["hard"]["pods"] = "9999"
    assert other.objects[1]["spec"]["hard"]["pods"] == "20"
    assert POLICY.tiers["small"].quota["pods"] == "20"


def test_of_a_namespace_is_that_of_its_labels() -> None:
    made = bundle.of("web", state({labels.TIER: "large", labels.TEAM: "shop"}), POLICY)
    assert made == bundle.render(
        "web", "shop", POLICY.tiers["large"], quota=POLICY.tiers["large"].quota, group="team-shop"
    )


BINDING = {"kind": "RoleBinding", "metadata": {"name": "view"}, "roleRef": {}, "subjects": []}
COUNTS = {
    "configmaps": "9",
    "count/networkpolicies.networking.k8s.io": "7",
    "count/pods": "5",
    "requests.nvidia.com/gpu": "2",
    "services": "3",
}


def _both(**changes: object) -> tuple[Bundle, Bundle]:
    """The bundle of a namespace, and what it gets while its team has no room for it."""
    tiers = {"small": tier(**changes)}
    return bundle.of("web", state(), policy(tiers=tiers)), bundle.inert("web", state(), policy(tiers=tiers))


def test_an_inert_namespace_has_its_guardrails_and_no_access() -> None:
    whole, inert = _both(extra_manifests=(BINDING, EXTRA))
    assert (inert.tier, inert.revision) == (whole.tier, whole.revision)
    assert [key_of(item) for item in inert.objects] == [
        key_of(item) for item in whole.objects if item["kind"] != "RoleBinding"
    ]
    for item in inert.objects:
        assert item in whole.objects or key_of(item) == bundle.QUOTA


@pytest.mark.parametrize(
    ("quota", "left"),
    [
        pytest.param(
            {"requests.cpu": "4", "limits.memory": "16Gi", "pods": "20"},
            {"requests.cpu": "0", "limits.memory": "0", "pods": "0"},
            id="nothing is left of what the tier limits",
        ),
        pytest.param({"limits.cpu": "1"}, {"limits.cpu": "0", "pods": "0"}, id="and no pods in any case"),
        pytest.param(
            COUNTS,
            {
                "configmaps": "9",
                "count/networkpolicies.networking.k8s.io": "7",
                "count/pods": "0",
                "requests.nvidia.com/gpu": "0",
                "services": "0",
                "pods": "0",
            },
            id="our own objects still fit",
        ),
    ],
)
def test_what_an_inert_namespace_may_use(quota: dict[str, str], left: dict[str, str]) -> None:
    whole, inert = _both(quota=quota)
    (found,) = [item["spec"]["hard"] for item in inert.objects if key_of(item) == bundle.QUOTA]
    assert found == left
    assert whole.objects[1]["spec"]["hard"] == quota


def test_an_extra_quota_of_an_inert_namespace_stays_as_it_is() -> None:
    extra = {"kind": "ResourceQuota", "metadata": {"name": "more"}, "spec": {"hard": {"pods": "3"}}}
    _, inert = _both(extra_manifests=(extra,))
    hard = {item["metadata"]["name"]: item["spec"]["hard"] for item in inert.objects if "hard" in str(item)}
    assert (hard["more"]["pods"], hard["default"]["pods"]) == ("3", "0")


@pytest.mark.parametrize("names", [[], ["default-deny-all"], list(reversed(STANDARD))], ids=str)
def test_the_policies_are_those_of_the_tier_in_its_order(names: list[str]) -> None:
    chosen = tier(network_policies={name: tier().network_policies[name] for name in names})
    objects = rendered(network_policies=chosen.network_policies).objects
    assert [item["metadata"]["name"] for item in objects if item["kind"] == "NetworkPolicy"] == names


EXTRA = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "about", "labels": {"app": "${team}"}, "annotations": {"of": "${name}"}},
    "data": {
        "text": "${name} is a ${tier} namespace of ${team}, ${team}",
        "plain": "$name {team} $ {tier} ${",
    },
}


def test_the_placeholders_of_an_extra_manifest_are_filled_in() -> None:
    objects = bundle.render(
        "web",
        "shop",
        tier(extra_manifests=(EXTRA,)),
        quota=tier().quota,
        group="team-shop",
    ).objects
    (made,) = [item for item in objects if item["kind"] == "ConfigMap"]
    assert made == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "about",
            "namespace": "web",
            "labels": {"app": "shop", **METADATA["labels"]},  # type: ignore[dict-item]
            "annotations": {"of": "web"},
        },
        "data": {
            "text": "web is a small namespace of shop, shop",
            "plain": "$name {team} $ {tier} ${",
        },
    }
    assert EXTRA["metadata"]["name"] == "about", "the template stays as it was"  # type: ignore[index]


def test_what_a_placeholder_brings_in_is_text_and_no_placeholder() -> None:
    extra = {**EXTRA, "data": {"text": "${team}"}}
    objects = bundle.render("${tier}", "${name}", tier(extra_manifests=(extra,)), quota={}, group="x").objects
    (made,) = [item for item in objects if item["kind"] == "ConfigMap"]
    assert made["data"] == {"text": "${name}"}


def test_access_comes_last_of_all() -> None:
    objects = rendered(extra_manifests=(BINDING, EXTRA)).objects
    assert [str(key_of(item)) for item in objects][-3:] == [
        "ConfigMap/about",
        "RoleBinding/view",
        "RoleBinding/team-edit",
    ]
