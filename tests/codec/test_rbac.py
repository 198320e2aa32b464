"""The RBAC manifests: accounts, roles and bindings that belong together."""

from dataclasses import replace

import pytest

from tests.core.builders import API, CONTROLLER, POLICY
from webhook.codec import rbac
from webhook.core import rights
from webhook.core.model import Manifest

_NAME = {"app.kubernetes.io/name": "ns-provisioner"}


def _manifests(role: str) -> list[Manifest]:
    return rbac.manifests(POLICY, [role], "ns-provisioner")


def _kinds(manifests: list[Manifest]) -> list[str]:
    return [manifest["kind"] for manifest in manifests]


def test_the_api_in_full() -> None:
    own = {"name": "ns-provisioner-api", "namespace": "ns-provisioner"}
    rbac_group = "rbac.authorization.k8s.io"
    assert _manifests("api") == [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**own, "labels": _NAME}},
        {
            "apiVersion": f"{rbac_group}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "ns-provisioner-api", "labels": _NAME},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "get", "watch"]}],
        },
        {
            "apiVersion": f"{rbac_group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "ns-provisioner-api", "labels": _NAME},
            "roleRef": {"apiGroup": rbac_group, "kind": "ClusterRole", "name": "ns-provisioner-api"},
            "subjects": [{"kind": "ServiceAccount", **own}],
        },
    ]


def test_the_controller_has_a_role_in_its_own_namespace_too() -> None:
    found = {manifest["kind"]: manifest for manifest in _manifests("controller")}
    assert list(found) == ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert found["Role"]["metadata"]["namespace"] == "ns-provisioner"
    assert found["Role"]["rules"][1] == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["ns-provisioner-controller"],
        "verbs": ["get", "update"],
    }
    for binding, role in (("ClusterRoleBinding", "ClusterRole"), ("RoleBinding", "Role")):
        assert found[binding]["roleRef"]["kind"] == role
        assert found[binding]["roleRef"]["name"] == found[role]["metadata"]["name"]
        assert found[binding]["subjects"] == [
            {"kind": "ServiceAccount", "name": "ns-provisioner-controller", "namespace": "ns-provisioner"}
        ]


def test_no_wildcard_anywhere() -> None:
    for manifest in rbac.manifests(POLICY, rights.ROLES, "ns-provisioner"):
        for rule in manifest.get("rules", []):
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_none_carries_the_label_by_which_the_controller_knows_what_it_keeps() -> None:
    for manifest in rbac.manifests(POLICY, rights.ROLES, "ns-provisioner"):
        assert manifest["metadata"]["labels"] == _NAME


def test_the_accounts_are_those_that_the_built_in_catalogue_names() -> None:
    assert {rbac.user(role, "ns-provisioner") for role in rights.ROLES} == {CONTROLLER, API}


def test_another_namespace_has_accounts_of_its_own() -> None:
    moved = replace(POLICY, controllers=frozenset({rbac.user("controller", "platform")}))
    manifests = rbac.manifests(moved, ["controller"], "platform")
    assert _kinds(manifests) == _kinds(_manifests("controller"))
    namespaces = {manifest["metadata"].get("namespace") for manifest in manifests}
    assert namespaces == {"platform", None}


@pytest.mark.parametrize(
    ("role", "setting"),
    [pytest.param("controller", "controllers", id="controller"), pytest.param("api", "requesters", id="api")],
)
def test_an_account_that_the_rules_would_take_for_a_tenant_is_refused(role: str, setting: str) -> None:
    with pytest.raises(rbac.UnknownAccountError) as told:
        rbac.manifests(POLICY, [role], "elsewhere")
    assert str(told.value).startswith(
        f"policy.{setting} of the tier catalogue does not name "
        f"system:serviceaccount:elsewhere:ns-provisioner-{role}"
    )
