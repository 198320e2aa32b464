"""What the catalogue accepts, a real API server takes, and gives back in a form that never looks changed.

Otherwise the controller would write an object again in every pass, or never get a namespace complete,
and the catalogue's author would hear of it from the first team and not from the catalogue.
"""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from tests.core.builders import with_tier
from tests.core.catalogue.files import parsed, small
from tools.controlplane.plane import ControlPlane
from webhook.adapters.kube import resources
from webhook.core import bundle, labels, plan
from webhook.core.errors import InvalidPolicyError
from webhook.core.model import Bundle, Manifest, NamespaceState, key_of
from webhook.core.policy import Bounds, Policy

_numbers = itertools.count(1)


def quota(hard: dict[str, object], **spec: object) -> Manifest:
    metadata = {"name": "extra"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard, **spec}}


def binding(*subjects: Mapping[str, object], role: object = "view") -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "extra"},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


def config_map(data: dict[str, object], **metadata: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", **metadata}, "data": data}


GROUP = {"kind": "Group", "name": "${team}-viewers"}
ACCOUNT = {"kind": "ServiceAccount", "name": "deployer"}
RBAC = {"apiGroup": "rbac.authorization.k8s.io"}

EXTRAS = {
    "a second quota": quota(
        {"pods": 3, "requests.cpu": 1.5, "requests.memory": "1024Mi", "limits.cpu": "2000m"}
    ),
    "a quota of other things": quota(
        {"count/deployments.apps": 3, "requests.nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi", "pods": "+3"}
    ),
    "a group without apiGroup": binding(GROUP),
    "a user without apiGroup": binding({"kind": "User", "name": "jane"}),
    "a group and a role with apiGroup": {
        **binding({**GROUP, **RBAC}),
        "roleRef": {**RBAC, "kind": "ClusterRole", "name": "view"},
    },
    "an account of the namespace": binding(ACCOUNT),
    "an account of another namespace": binding({**ACCOUNT, "namespace": "${team}"}),
    "one subject twice": binding(GROUP, GROUP),
    "a config map": config_map({"name": "${name}", "empty": "", "lines": "a\nb\n"}),
    "a config map with letters of all kinds": config_map({"text": "ü \U0001f600 \x07"}),
    "labels and annotations": config_map(
        {"a": "b"}, labels={"app": "${team}"}, annotations={"of": "${name}"}
    ),
    "empty labels and annotations": config_map({"a": "b"}, labels={}, annotations={}),
}

DROPPED = {
    "empty scopes": quota({"pods": "3"}, scopes=[]),
    "a thousandth of a milli": quota({"requests.cpu": "1500u"}),
    "a very small part of a byte": quota({"requests.memory": "1.00000000001"}),
    "an account of no namespace": binding({**ACCOUNT, "namespace": None}),
}
"""What the API server drops, fills in or rounds."""

REFUSED = {
    "a scope that there is not": quota({"pods": "3"}, scopes=["Everything"]),
    "a role that is a number": binding(GROUP, role=7),
    "a role without a name": binding(GROUP, role=""),
    "a namespace that is a number": binding({**ACCOUNT, "namespace": 7}),
    "a label that is no label": config_map({"a": "b"}, labels={"app": "not one!"}),
    "a key that is no label": config_map({"a": "b"}, labels={"a b": "c"}),
    "a key that is no file name": config_map({"a b": "c"}),
    "a key that is this folder": config_map({".": "c"}),
    "a key that is the folder above": config_map({"..": "c"}),
    "a key that begins like the folder above": config_map({"..a": "c"}),
    "a label with two dots in its prefix": config_map({"a": "b"}, labels={"a..b/c": "d"}),
    "a label with a hyphen behind a dot": config_map({"a": "b"}, labels={"a.-b/c": "d"}),
    "an annotation with two dots in its prefix": config_map({"a": "b"}, annotations={"a..b/c": "d"}),
    "an annotation that is too long": config_map({"a": "b"}, annotations={"a": "b" * 300_000}),
    "data of more than a mebibyte": config_map({"a": "b" * 600_000, "c": "d" * 600_000}),
    "a role with a slash": binding(GROUP, role="a/b"),
    "a role with a per cent sign": binding(GROUP, role="a%b"),
    "a role that is a path": binding(GROUP, role=".."),
}
"""What the API server refuses."""

TIERS: dict[str, dict[str, Any]] = {
    "all that is standard": {},
    "from some namespaces": {"networkPolicies": [{"allow-ingress-from": ["monitoring", "ingress"]}]},
    "to some blocks": {
        "networkPolicies": [{"allow-egress-to": ["10.0.0.0/8", "2001:DB8:0::/32", "10.0.0.1/32"]}]
    },
    "to everywhere": {"networkPolicies": ["default-deny-all", {"allow-egress-to": ["0.0.0.0/0", "::/0"]}]},
    "quantities in every way": {
        "quota": {"pods": "+5", "requests.cpu": ".5", "limits.cpu": "5.", "secrets": "1e2"}
    },
    "very much": {"quota": {"requests.memory": "1e18", "pods": "1E"}},
    "a request without a limit": {
        "limitRange": {"default": {"cpu": 1}, "defaultRequest": {"cpu": "999m", "memory": "1.5Gi"}}
    },
}

FINE_TIERS: dict[str, dict[str, Any]] = {
    "a quota finer than a milli": {"quota": {"requests.cpu": "2.0001"}},
    "a limit finer than a milli": {
        "limitRange": {"default": {"cpu": "1.0001"}, "defaultRequest": {"cpu": "1"}}
    },
    "a quota of more than 63 bits": {"quota": {"requests.memory": "8Ei"}},
    "a quota of very many exbibytes": {"quota": {"requests.memory": "999999999999Ei"}},
    "a quota of very many exabytes": {"quota": {"requests.memory": "999999999999E"}},
}
"""What the API server rounds up, or cuts."""

QUOTA_KEYS = [
    *("count/", "count/a b", "requests.a b/c", "requests./c", "requests.a/", "hugepages-", "a/b/c"),
    *(f"{name}.storageclass.storage.k8s.io/requests.storage" for name in ("", "a b", "-", "A")),
    "gold.storageclass.storage.k8s.io/",
]
"""Keys that begin or end like those of things that a cluster may have."""

BLOCKS = {
    "an address without a block": "10.0.0.1",
    "a block with a mask": "10.0.0.0/255.0.0.0",
    "a block with a mask from behind": "10.0.0.0/0.255.255.255",
    "a block of mapped addresses": "::ffff:10.0.0.0/104",
    "a block of one's own link": "fe80::%eth0/64",
}
"""What Python's standard library reads as a block of addresses, and the API server does not."""


def kept(plane: ControlPlane, made: Bundle, namespace: str) -> list[str]:
    """Writes a bundle as the sink does, or its extras alone; what is wrong with what comes back."""
    extras = tuple(item for item in made.objects if item["metadata"]["name"] == "extra")
    made = dataclasses.replace(made, objects=extras or made.objects)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    assert plane.api.send("POST", "/api/v1/namespaces", body).status == 201
    observed, wrong = {}, []
    for manifest in made.objects:
        path = resources.BUNDLE[manifest["kind"]].path(namespace, manifest["metadata"]["name"])
        answer = plane.api.send("POST", f"{path.rpartition('/')[0]}?fieldValidation=Strict", manifest)
        if answer.status == 201:
            observed[key_of(manifest)] = plane.api.get(path).json()
        else:
            wrong.append(f"{key_of(manifest)} is refused: {answer.json()['message']}")
    changes = plan.changes(made, observed, was_complete=False)
    return wrong + [f"{key_of(each.manifest)} differs: {each.action}" for each in changes if each.observed]


def rendered(policy: Policy, namespace: str, annotations: dict[str, str] | None = None) -> Bundle:
    state = NamespaceState({labels.TIER: "small", labels.TEAM: "payments"}, annotations or {})
    return bundle.of(namespace, state, policy)


def _each(table: dict[str, Any]) -> list[Any]:
    return [pytest.param(value, id=name) for name, value in table.items()]


@pytest.mark.parametrize("extra", _each(EXTRAS))
def test_an_extra_manifest_comes_back_as_it_was_written(plane: ControlPlane, extra: Manifest) -> None:
    namespace = f"extra-{next(_numbers)}"
    made = rendered(parsed(small(extraManifests=[extra], networkPolicies=[])), namespace)
    assert kept(plane, made, namespace) == []


@pytest.mark.parametrize("changes", _each(TIERS))
def test_a_bundle_comes_back_as_it_was_written(plane: ControlPlane, changes: dict[str, Any]) -> None:
    namespace = f"tier-{next(_numbers)}"
    assert kept(plane, rendered(parsed(small(**changes)), namespace), namespace) == []


def _odd(plane: ControlPlane, changes: dict[str, Any]) -> list[str]:
    """What is wrong with a tier on a server; nothing where the catalogue does not accept it."""
    namespace = f"odd-{next(_numbers)}"
    try:
        policy = parsed(small(**{"networkPolicies": [], **changes}))
    except InvalidPolicyError:
        return []
    return kept(plane, rendered(policy, namespace), namespace)


@pytest.mark.parametrize("extra", _each(DROPPED))
def test_what_the_server_would_change_is_refused_or_brought_into_its_form(
    plane: ControlPlane, extra: Manifest
) -> None:
    assert _odd(plane, {"extraManifests": [extra]}) == []


@pytest.mark.parametrize("changes", _each(FINE_TIERS))
def test_what_the_server_would_round_is_refused_or_rounded(
    plane: ControlPlane, changes: dict[str, Any]
) -> None:
    assert _odd(plane, changes) == []


@pytest.mark.parametrize("extra", _each(REFUSED))
def test_what_the_server_would_refuse_is_refused_by_the_catalogue(
    plane: ControlPlane, extra: Manifest
) -> None:
    assert _odd(plane, {"extraManifests": [extra]}) == []


@pytest.mark.parametrize("key", QUOTA_KEYS)
def test_what_is_no_quota_key_to_the_server_is_none_to_the_catalogue(plane: ControlPlane, key: str) -> None:
    assert _odd(plane, {"quota": {"pods": 5, key: 3}}) == []


@pytest.mark.parametrize("text", _each(BLOCKS))
def test_what_is_no_block_to_the_server_is_none_to_the_catalogue(plane: ControlPlane, text: str) -> None:
    assert _odd(plane, {"networkPolicies": [{"allow-egress-to": [text]}]}) == []


@pytest.mark.parametrize(
    "text",
    ["requests.cpu=6", "requests.cpu=5.0001", "requests.cpu=5000001u", "pods=3e1", "limits.memory=9999999Ei"],
)
def test_what_a_request_sets_comes_back_as_it_was_written(plane: ControlPlane, text: str) -> None:
    namespace = f"set-{next(_numbers)}"
    policy = with_tier(
        overrides={
            "requests.cpu": Bounds("1", "8"),
            "pods": Bounds(maximum="100"),
            "limits.memory": Bounds("1Gi"),
        }
    )
    assert kept(plane, rendered(policy, namespace, {labels.QUOTA: text}), namespace) == []
