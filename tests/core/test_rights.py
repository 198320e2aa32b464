"""The table of rights: what each role asks for, and how the catalogue moves it."""

from dataclasses import replace

import pytest
from hypothesis import given

from tests.core.builders import POLICY, policy, with_tier
from tests.core.strategies import policies
from webhook.adapters.kube import resources
from webhook.core import rights
from webhook.core.model import API_VERSIONS, Manifest
from webhook.core.policy import Policy
from webhook.core.rights import Right

_READS = ("list", "watch")
_CONFIG_MAP: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}, "data": {}}
_GRANTABLE = {
    "namespaces": {"list", "watch", "get", "patch", "delete"},
    "namespaces/status": {"patch"},
    "events": {"create"},
    "clusterroles": {"bind"},
    "leases": {"create", "get", "update"},
}


def _binding(role: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"to-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "auditors"}],
    }


def _controller(resource: str, chosen: Policy = POLICY) -> Right:
    (found,) = (right for right in rights.of("controller", chosen).cluster if right.resource == resource)
    return found


def test_the_api_creates_namespaces_and_waits_for_them() -> None:
    assert rights.of("api", POLICY) == rights.Rights((Right("", "namespaces", ("create", "get", "watch")),))


def test_a_kind_that_no_tier_has_is_only_read() -> None:
    assert _controller("configmaps").verbs == _READS
    assert _controller("resourcequotas").verbs == (*_READS, "get", "create", "update", "patch", "delete")


def test_a_kind_that_a_tier_adds_is_written() -> None:
    extended = with_tier(extra_manifests=(_CONFIG_MAP,))
    assert _controller("configmaps", extended).verbs == _controller("resourcequotas", extended).verbs


def test_only_the_cluster_roles_of_the_catalogue_may_be_given_away() -> None:
    assert _controller("clusterroles").names == ("edit",)
    extended = with_tier(extra_manifests=(_binding("view"), _binding("log-reader")))
    assert _controller("clusterroles", extended).names == ("edit", "log-reader", "view")


@pytest.mark.parametrize(
    ("dry_run", "verbs"),
    [
        pytest.param(True, {"list", "watch", "patch"}, id="a dry run deletes nothing"),
        pytest.param(False, {"list", "watch", "patch", "get", "delete"}, id="expiry deletes"),
    ],
)
def test_namespaces_are_deleted_only_where_expiry_does(dry_run: bool, verbs: set[str]) -> None:
    chosen = policy(expiry=replace(POLICY.expiry, dry_run=dry_run))
    assert set(_controller("namespaces", chosen).verbs) == verbs


def test_the_lease_is_named_wherever_rbac_can_name_it() -> None:
    assert rights.of("controller", POLICY).own == (
        Right("coordination.k8s.io", "leases", ("create",)),
        Right("coordination.k8s.io", "leases", ("get", "update"), ("ns-provisioner-controller",)),
    )


@given(policies)
def test_whatever_the_catalogue_says_no_right_reaches_further(chosen: Policy) -> None:
    bundle = {resource.plural for resource in resources.BUNDLE.values()}
    for role in rights.ROLES:
        asked = rights.of(role, chosen)
        for right in (*asked.cluster, *asked.own):
            assert right.resource in _GRANTABLE or right.resource in bundle
            assert right.verbs
            assert len(set(right.verbs)) == len(right.verbs)
            if role == "controller" and right.resource in _GRANTABLE:
                assert set(right.verbs) <= _GRANTABLE[right.resource]
            assert "cluster-admin" not in right.names
            assert ("bind" in right.verbs) == (right.resource == "clusterroles")
            assert right.names or "bind" not in right.verbs


def test_every_kind_of_a_bundle_is_called_as_the_adapters_call_it() -> None:
    asked = {(right.group, right.resource) for right in rights.of("controller", POLICY).cluster}
    for kind, resource in resources.BUNDLE.items():
        group = resource.api_version.rpartition("/")[0]
        assert (group, resource.plural) in asked, kind
    assert set(resources.BUNDLE) == set(API_VERSIONS)
