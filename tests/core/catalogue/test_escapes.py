"""Whatever a tier says, it yields objects of our kinds, in the one namespace, and access for nobody else."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.builders import POLICY
from tests.core.catalogue.files import small
from tests.core.strategies import hostile, legal_names
from webhook.core import bundle, catalogue
from webhook.core.errors import InvalidPolicyError
from webhook.core.model import API_VERSIONS, Bundle, Manifest, key_of
from webhook.core.policy import Tier

OURS = {"app.kubernetes.io/managed-by": "ns-provisioner"}
KINDS = {"LimitRange", "ResourceQuota", "NetworkPolicy", "ConfigMap", "RoleBinding"}


def accepted(*extras: object) -> Tier | None:
    """The tier with these extra manifests; None where the catalogue is refused."""
    try:
        return catalogue.parse(small(extraManifests=list(extras))).tiers["small"]
    except InvalidPolicyError:
        return None


def rendered(tier: Tier, namespace: str = "web", team: str = "shop") -> Bundle:
    return bundle.render(namespace, team, tier, quota=tier.quota, group=POLICY.group_of(team))


def assert_within(made: Bundle, namespace: str, revision: str) -> None:
    for manifest in made.objects:
        assert manifest["kind"] in KINDS
        assert manifest["apiVersion"] == API_VERSIONS[manifest["kind"]]
        metadata = manifest["metadata"]
        assert metadata.keys() <= {"name", "namespace", "labels", "annotations"}
        assert metadata["namespace"] == namespace
        assert metadata["labels"].items() >= {**OURS, "platform/tier-revision": revision}.items()
        assert "${" not in str(metadata)
        for subject in manifest.get("subjects", ()):
            assert not subject["name"].startswith("system:")
            assert subject["name"] not in ("", "*")
    keys = [key_of(manifest) for manifest in made.objects]
    assert len(set(keys)) == len(keys), "two objects of one name would take turns"


words = st.sampled_from(
    [
        "a",
        "default",
        "kube-system",
        "${name}",
        "${team}",
        "${tier}",
        "${x}",
        "*",
        "",
        "system:masters",
        "edit",
    ]
)
leaves = words | st.none() | st.booleans() | st.integers(-2, 70_000) | hostile
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words | hostile, inner, max_size=2),
    max_leaves=5,
)

maps = st.dictionaries(words | hostile, leaves, max_size=2) | trees
names = (
    st.sampled_from(["extra", "default", "team-edit", "${name}", "${team}-x", "default-deny-all"]) | leaves
)
metadata = st.fixed_dictionaries(
    {"name": names},
    optional={
        "labels": st.dictionaries(st.sampled_from([*OURS, "platform/tier", "app"]), words, max_size=2) | maps,
        "annotations": maps,
        "namespace": st.just("kube-system"),
        "ownerReferences": trees,
        "finalizers": trees,
    },
)
kinds = (
    st.sampled_from([*sorted(KINDS), "Secret", "ClusterRoleBinding", "Namespace", "Role", "List", "Pod"])
    | leaves
)
versions = st.sampled_from([*sorted(set(API_VERSIONS.values())), "v2"]) | leaves
subjects = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["Group", "User", "ServiceAccount"]) | leaves, "name": words | leaves},
        optional={"namespace": words | leaves, "apiGroup": leaves},
    )
    | trees,
    max_size=2,
)
roles = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["ClusterRole", "Role"]),
        "name": st.sampled_from(["view", "cluster-admin"]) | leaves,
    }
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "hard": st.dictionaries(st.sampled_from(["pods", "cpu", "x"]), leaves, max_size=2),
        "scopes": trees,
        "podSelector": trees,
        "policyTypes": trees,
    },
)
manifests = (
    st.fixed_dictionaries(
        {"kind": kinds, "apiVersion": versions, "metadata": metadata},
        optional={
            "data": maps,
            "spec": specs | trees,
            "roleRef": roles | trees,
            "subjects": subjects | trees,
            "items": trees,
        },
    )
    | trees
)


tame = st.sampled_from(["a", "edit", "${name}", "${team}", "x-${tier}-${team}"])
tame_maps = st.dictionaries(st.sampled_from(["app", "of"]), tame, min_size=1, max_size=2)
people = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["Group", "User"]),
        "name": tame | st.sampled_from(["oidc:${team}", "${team}:x"]),
    }
)
accounts = st.fixed_dictionaries(
    {"kind": st.just("ServiceAccount"), "name": tame}, optional={"namespace": tame}
)


def _fitting(kind: str) -> st.SearchStrategy[Manifest]:
    """A manifest of a kind with the keys that belong to it: most of these are accepted."""
    role = st.fixed_dictionaries(
        {"kind": st.just("ClusterRole"), "name": st.sampled_from(["view", "${team}"])}
    )
    content: dict[str, dict[str, Any]] = {
        "ConfigMap": {"data": tame_maps},
        "ResourceQuota": {"spec": st.just({"hard": {"pods": 3}})},
        "RoleBinding": {"roleRef": role, "subjects": st.lists(people | accounts, min_size=1, max_size=2)},
    }
    named = st.fixed_dictionaries(
        {"name": st.sampled_from(["extra", "more", "default", "team-edit", "x-${team}"])},
        optional={"labels": tame_maps, "annotations": tame_maps},
    )
    fields = {"kind": st.just(kind), "apiVersion": st.just(API_VERSIONS[kind]), "metadata": named}
    return st.fixed_dictionaries({**fields, **content[kind]})


fitting = st.sampled_from(["ConfigMap", "ResourceQuota", "RoleBinding"]).flatmap(_fitting)


@settings(deadline=None, max_examples=100)
@given(st.lists(manifests, min_size=1, max_size=2), legal_names, legal_names)
def test_any_manifest_is_refused_or_stays_within(extras: list[Any], namespace: str, team: str) -> None:
    tier = accepted(*extras)
    if tier is not None:
        assert_within(rendered(tier, namespace, team), namespace, tier.revision)


@settings(deadline=None, max_examples=100)
@given(st.lists(fitting, min_size=1, max_size=2), legal_names, legal_names)
def test_a_manifest_with_the_right_keys_is_refused_or_stays_within(
    extras: list[Any], namespace: str, team: str
) -> None:
    tier = accepted(*extras)
    if tier is not None:
        assert_within(rendered(tier, namespace, team), namespace, tier.revision)


def config_map(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}


def binding(role: str, *subjects: Manifest) -> Manifest:
    return {
        "apiVersion": API_VERSIONS["RoleBinding"],
        "kind": "RoleBinding",
        "metadata": {"name": "extra"},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


GROUPS = [
    "${team}:masters",
    "${name}:masters",
    "${team}${name}:x",
    "system${x}:y",
    "${tier}:z",
    "*",
    "",
    " system:a",
]


@pytest.mark.parametrize("kind", ["Group", "User"])
@pytest.mark.parametrize("subject", [*GROUPS, "sys${team}:authenticated"])
def test_no_team_or_namespace_makes_a_subject_one_of_the_system(subject: str, kind: str) -> None:
    tier = accepted(binding("view", {"kind": kind, "name": subject}))
    for namespace, team in itertools.product(("system", "tem", "web", "sys"), repeat=2):
        for manifest in rendered(tier, namespace, team).objects if tier else ():
            for found in manifest.get("subjects", ()):
                assert not found["name"].startswith("system:")
                assert found["name"] not in ("", "*")


@pytest.mark.parametrize(
    "role", ["cluster-admin", "${team}-admin", "${name}-admin", "cluster-${tier}", "${team}"]
)
def test_no_team_or_namespace_makes_a_role_the_greatest(role: str) -> None:
    tier = accepted(binding(role, {"kind": "Group", "name": "viewers"}))
    for namespace, team in itertools.product(("cluster", "admin", "cluster-admin"), repeat=2):
        for manifest in rendered(tier, namespace, team).objects if tier else ():
            assert manifest.get("roleRef", {}).get("name") != "cluster-admin"


@pytest.mark.parametrize("account", [{"namespace": "kube-system"}, {"namespace": "${team}"}, {}], ids=str)
def test_an_account_is_what_the_catalogue_says_and_else_the_namespace_s_own(account: dict[str, str]) -> None:
    tier = accepted(binding("view", {"kind": "ServiceAccount", "name": "x", **account}))
    assert tier is not None
    (made,) = [item for item in rendered(tier).objects if item["metadata"]["name"] == "extra"]
    expected = {"kube-system": "kube-system", "${team}": "shop"}.get(account.get("namespace", ""), "web")
    assert made["subjects"] == [{"kind": "ServiceAccount", "name": "x", "namespace": expected}]


def test_an_extra_manifest_takes_nothing_away() -> None:
    """The objects that every namespace has stand beside it, as they were."""
    plain, more = accepted(), accepted(config_map("extra"))
    assert plain is not None
    assert more is not None
    kept = [key_of(item) for item in rendered(more).objects if item["kind"] != "ConfigMap"]
    assert kept == [key_of(item) for item in rendered(plain).objects]
