"""Extra manifests: which there may be, and what is said of those that there may not."""

import copy
from typing import Any

import pytest

from tests.core.catalogue.files import WHOLE, minimal, parsed, places, problems, small, tier
from webhook.core import bundle
from webhook.core.model import Manifest, key_of

CONFIG_MAP: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "about"},
    "data": {"team": "${team}"},
}
BINDING: Manifest = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "viewers"},
    "roleRef": {"kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "Group", "name": "${team}-viewers"}],
}
QUOTA: Manifest = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "more"},
    "spec": {"hard": {"pods": 3}},
}
PLACE = "tiers.small.extraManifests[0]"


def broken(extra: object) -> list[str]:
    """What is said of one manifest, without its place."""
    return [line.removeprefix(PLACE) for line in problems(small(extraManifests=[extra]))]


def test_the_three_kinds() -> None:
    found = tier(extraManifests=[CONFIG_MAP, BINDING, QUOTA]).extra_manifests
    assert [str(key_of(item)) for item in found] == [
        "ConfigMap/about",
        "RoleBinding/viewers",
        "ResourceQuota/more",
    ]


def _filled(extra: Manifest) -> Manifest:
    made = tier(extraManifests=[extra])
    objects = bundle.render("web", "shop", made, quota=made.quota, group="team-shop").objects
    (found,) = [item for item in objects if key_of(item) == key_of({**extra, "metadata": extra["metadata"]})]
    return found


def test_placeholders_are_filled_in_wherever_texts_stand() -> None:
    assert _filled(CONFIG_MAP)["data"] == {"team": "shop"}
    assert _filled(BINDING)["subjects"][0]["name"] == "shop-viewers"
    labelled = {**CONFIG_MAP, "metadata": {"name": "about", "labels": {"of": "${name}-${tier}"}}}
    assert _filled(labelled)["metadata"]["labels"]["of"] == "web-small"


def test_a_binding_is_brought_into_the_server_s_form() -> None:
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": "deployer"}
    found = _filled({**BINDING, "subjects": [*BINDING["subjects"], account]})
    assert found["roleRef"] == {"apiGroup": group, "kind": "ClusterRole", "name": "view"}
    assert found["subjects"] == [
        {"apiGroup": group, "kind": "Group", "name": "shop-viewers"},
        {"kind": "ServiceAccount", "name": "deployer", "namespace": "web"},
    ]


def test_reading_changes_nothing_in_the_document() -> None:
    extra = copy.deepcopy(BINDING)
    parsed(small(extraManifests=[extra]))
    assert extra == BINDING


def changed(base: Manifest, **changes: object) -> Manifest:
    return {**base, **changes}


KINDS = "allowed: ConfigMap, ResourceQuota, RoleBinding"


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        pytest.param(
            changed(CONFIG_MAP, kind="Secret"),
            [f'.kind: "Secret" is not a kind that a tier may add; {KINDS} (did you mean `ResourceQuota`?)'],
            id="a secret",
        ),
        pytest.param(
            changed(BINDING, kind="ClusterRoleBinding"),
            [
                f'.kind: "ClusterRoleBinding" is not a kind that a tier may add; {KINDS} '
                "(did you mean `RoleBinding`?)"
            ],
            id="a binding for the whole cluster",
        ),
        pytest.param(
            changed(CONFIG_MAP, apiVersion="v2"),
            ['.apiVersion: "v2" is not known; allowed: v1 (did you mean `v1`?)'],
            id="another version",
        ),
        pytest.param(
            changed(CONFIG_MAP, metadata={"name": "a", "namespace": "kube-system"}),
            [
                '.metadata.namespace: "namespace" is not a known key; allowed: annotations, labels, name '
                "(did you mean `name`?)"
            ],
            id="another namespace",
        ),
        pytest.param(
            changed(CONFIG_MAP, metadata={"name": "a", "ownerReferences": []}),
            [
                '.metadata.ownerReferences: "ownerReferences" is not a known key; '
                "allowed: annotations, labels, name (did you mean `annotations`?)"
            ],
            id="an owner",
        ),
        pytest.param(
            changed(CONFIG_MAP, metadata={"name": "a", "labels": {"platform/team": "x"}}),
            [".metadata.labels.platform/team: is set by ns-provisioner (leave it out)"],
            id="a label of ours",
        ),
        pytest.param(
            changed(CONFIG_MAP, metadata={"name": "a", "labels": {"app.kubernetes.io/managed-by": "x"}}),
            [".metadata.labels.app.kubernetes.io/managed-by: is set by ns-provisioner (leave it out)"],
            id="another manager",
        ),
        pytest.param(
            changed(CONFIG_MAP, metadata={"name": "a", "annotations": {"a": 5}}),
            [".metadata.annotations.a: must be a text (put it in quotes)"],
            id="an annotation that is a number",
        ),
        pytest.param(
            changed(CONFIG_MAP, data={"a": "${namespace}"}),
            ['.data.a: "namespace" is not a placeholder; allowed: name, team, tier (did you mean `name`?)'],
            id="a placeholder that is none",
        ),
        pytest.param(
            changed(CONFIG_MAP, data={"a": "${}"}),
            ['.data.a: "" is not a placeholder; allowed: name, team, tier (did you mean `tier`?)'],
            id="a placeholder of nothing",
        ),
        pytest.param(
            changed(CONFIG_MAP, data={}), [".data: is empty (the API server would drop it)"], id="no data"
        ),
        pytest.param(
            changed(CONFIG_MAP, data={"a": 5, "b": "c"}),
            [".data.a: must be a text (put it in quotes)"],
            id="a number in data",
        ),
        pytest.param(
            changed(CONFIG_MAP, binaryData={"a": "YQ=="}),
            [
                '.binaryData: "binaryData" is not a known key; allowed: apiVersion, data, kind, metadata '
                "(did you mean `data`?)"
            ],
            id="binary data",
        ),
        pytest.param(
            changed(BINDING, roleRef={"kind": "Role", "name": "x"}),
            ['.roleRef.kind: "Role" is not known; allowed: ClusterRole (did you mean `ClusterRole`?)'],
            id="a role of the namespace, which its team could write",
        ),
        pytest.param(
            changed(BINDING, roleRef={"kind": "ClusterRole", "name": "cluster-admin"}),
            [".roleRef.name: cluster-admin is not given away (name one smaller role, without placeholders)"],
            id="the role of all roles",
        ),
        pytest.param(
            changed(BINDING, subjects=[]),
            [".subjects: must be a list of at least one subject"],
            id="nobody",
        ),
        pytest.param(
            changed(BINDING, subjects=[{"kind": "Group", "name": "system:authenticated"}]),
            [".subjects[0].name: system:authenticated may belong to the system (name a group of your own)"],
            id="everybody",
        ),
        pytest.param(
            changed(BINDING, subjects=[{"kind": "User", "name": "system:admin"}]),
            [".subjects[0].name: system:admin may belong to the system (name a group of your own)"],
            id="a user of the system",
        ),
        pytest.param(
            changed(BINDING, subjects=[{"kind": "Team", "name": "x"}]),
            [
                '.subjects[0].kind: "Team" is not a kind of subject; allowed: Group, ServiceAccount, User '
                "(did you mean `User`?)"
            ],
            id="a kind of subject that is none",
        ),
        pytest.param(
            changed(QUOTA, spec={"hard": {"cores": 3}}),
            ['.spec.hard.cores: "cores" is not a quota key (use `requests.cpu` and `limits.cpu`)'],
            id="a limit that is none",
        ),
        pytest.param(
            changed(QUOTA, spec={"hard": {"pods": 3}, "scopeSelector": {}}),
            ['.spec.scopeSelector: "scopeSelector" is not a known key; allowed: hard (did you mean `hard`?)'],
            id="a key of a quota that we do not know",
        ),
        pytest.param(
            {**QUOTA, "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"},
            [
                f'.kind: "NetworkPolicy" is not a kind that a tier may add; {KINDS} '
                "(did you mean `ResourceQuota`?)"
            ],
            id="a network policy, which a tier names",
        ),
        pytest.param(
            changed(BINDING, roleRef={"kind": "ClusterRole", "name": "${team}-admin"}),
            [".roleRef.name: ${team}-admin is not given away (name one smaller role, without placeholders)"],
            id="a role that a team could be called like",
        ),
        pytest.param(
            changed(BINDING, subjects=[{"kind": "Group", "name": "${team}:masters"}]),
            [".subjects[0].name: ${team}:masters may belong to the system (name a group of your own)"],
            id="a subject that a team could make the system's",
        ),
        pytest.param(
            changed(CONFIG_MAP, metadata={"name": "${team}"}),
            [
                ".metadata.${team}: is not a name (use lower-case letters, digits and '-', at most 63)",
            ],
            id="a name with a placeholder, which could become another's",
        ),
    ],
)
def test_a_wrong_manifest(extra: object, told: list[str]) -> None:
    assert broken(extra) == told


@pytest.mark.parametrize(
    "name", ["Upper", "-a", "a b", "a\n", "../x", "a/b", "", "x" * 64, "${team}_x", 5, None]
)
def test_a_name_that_is_none(name: object) -> None:
    assert places(small(extraManifests=[changed(CONFIG_MAP, metadata={"name": name})])) != []


@pytest.mark.parametrize("key", ["apiVersion", "metadata", "data"])
def test_what_is_missing_is_named(key: str) -> None:
    extra = {name: part for name, part in CONFIG_MAP.items() if name != key}
    assert f".{key}: is missing" in broken(extra)


@pytest.mark.parametrize(
    "extra", [5, "ConfigMap", None, [], [CONFIG_MAP]], ids=lambda value: type(value).__name__
)
def test_a_manifest_that_is_no_mapping(extra: object) -> None:
    assert places(small(extraManifests=[extra])) == [PLACE]


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(changed(QUOTA, metadata={"name": "default"}), id="the tier's quota"),
        pytest.param(changed(BINDING, metadata={"name": "team-edit"}), id="the team's access"),
    ],
)
def test_what_the_tier_has_already(extra: Manifest) -> None:
    (problem,) = broken(extra)
    assert problem == f": {key_of(extra)} is there already (give it another name)"


def test_one_name_twice() -> None:
    (problem,) = problems(small(extraManifests=[CONFIG_MAP, changed(CONFIG_MAP, data={"a": "b"})]))
    assert problem.startswith("tiers.small.extraManifests[1]: ConfigMap/about is there already")


def test_manifests_are_inherited_and_replaced_like_every_list() -> None:
    base: dict[str, Any] = {**WHOLE, "extraManifests": [CONFIG_MAP]}
    content = minimal(
        {"base": base, "small": {"extends": "base"}, "none": {"extends": "base", "extraManifests": []}}
    )
    found = parsed(content).tiers
    assert found["small"].extra_manifests == found["base"].extra_manifests
    assert found["none"].extra_manifests == ()
