"""What somebody changes in a bundle is put right, by watch, within two seconds."""

import json

import pytest

from tests.e2e import cluster
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

pytestmark = pytest.mark.usefixtures("product")

REPAIR_SECONDS = 2.0

LOOSER = {
    "LimitRange": {"spec": {"limits": [{"type": "Container", "default": {"cpu": "64"}}]}},
    "ResourceQuota": {"spec": {"hard": {"pods": "5000"}}},
    "NetworkPolicy": {"spec": {"ingress": [{}]}},
    "RoleBinding": {
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "mallory"}]
    },
}


@pytest.mark.parametrize("kind", cluster.PATHS)
def test_a_deleted_object_comes_back(plane: ControlPlane, name: str, kind: str) -> None:
    cluster.new(plane, name)
    path = cluster.PATHS[kind].format(name)
    old = _required(plane, path)
    assert plane.api.send("DELETE", path).status == 200

    def back() -> bool:
        live = cluster.get(plane, path)
        return live is not None and live["metadata"]["uid"] != old["metadata"]["uid"]

    cluster.eventually(back, f"{kind} to come back", seconds=REPAIR_SECONDS)
    assert _content(_required(plane, path)) == _content(old)


@pytest.mark.parametrize("kind", cluster.PATHS)
def test_a_changed_object_is_put_right(plane: ControlPlane, name: str, kind: str) -> None:
    cluster.new(plane, name)
    path = cluster.PATHS[kind].format(name)
    before = _content(_required(plane, path))
    _patch(plane, kind, name, json.dumps(LOOSER[kind]))
    cluster.eventually(
        lambda: _content(_required(plane, path)) == before, f"{kind} to be repaired", seconds=REPAIR_SECONDS
    )


def test_a_field_that_somebody_added_is_taken_away(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name)
    path = cluster.PATHS["ResourceQuota"].format(name)
    before = _content(_required(plane, path))
    _patch(plane, "ResourceQuota", name, '{"spec":{"hard":{"count/secrets":"1"}}}')
    cluster.eventually(
        lambda: _content(_required(plane, path)) == before, "the key to go", seconds=REPAIR_SECONDS
    )


def test_our_label_comes_back_with_the_values_it_guarded(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name)
    path = cluster.PATHS["ResourceQuota"].format(name)
    before = _required(plane, path)
    strip = {
        "metadata": {"labels": {"app.kubernetes.io/managed-by": None}},
        "spec": {"hard": {"pods": "5000"}},
    }
    _patch(plane, "ResourceQuota", name, json.dumps(strip))
    cluster.eventually(
        lambda: (
            _content(_required(plane, path)) == _content(before)
            and _required(plane, path)["metadata"]["labels"] == before["metadata"]["labels"]
        ),
        "label and values to come back",
        seconds=REPAIR_SECONDS,
    )


def test_a_binding_to_another_role_is_made_anew(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name)
    path = cluster.PATHS["RoleBinding"].format(name)
    right = _required(plane, path)
    metadata = {"name": "team-edit", "labels": right["metadata"]["labels"]}
    wrong = {**right, "metadata": metadata, "roleRef": {**right["roleRef"], "name": "admin"}}
    # Between the deletion and our repair only one of the two gets the name; the repair has to win in the end.
    plane.api.send("DELETE", path)
    plane.api.send("POST", path.rpartition("/")[0], wrong)
    cluster.eventually(
        lambda: _content(_required_or_empty(plane, path)) == _content(right),
        "the role to be right",
        seconds=REPAIR_SECONDS,
    )


def test_what_is_not_ours_is_left_alone(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name)
    plane.kubectl("create", "quota", "own", "--hard=count/jobs.batch=3", "-n", name)
    plane.kubectl("annotate", "limitrange", "default", "-n", name, "note=kept")
    path = f"/api/v1/namespaces/{name}/resourcequotas/own"
    version = _required(plane, path)["metadata"]["resourceVersion"]
    plane.kubectl("delete", "quota", "default", "-n", name)
    cluster.eventually(
        lambda: cluster.get(plane, cluster.PATHS["ResourceQuota"].format(name)), "ours to come back"
    )
    live = _required(plane, path)
    assert live["spec"] == {"hard": {"count/jobs.batch": "3"}}
    managers = {entry["manager"] for entry in live["metadata"]["managedFields"]}
    assert "ns-provisioner" not in managers, version
    limits = _required(plane, cluster.PATHS["LimitRange"].format(name))
    assert limits["metadata"]["annotations"] == {"note": "kept"}


def test_a_tier_change_is_followed(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name, tier="small")
    revision = _revision(plane, name)
    plane.kubectl("label", "namespace", name, "platform/tier=large", "--overwrite")
    cluster.eventually(
        lambda: "tier large" in cluster.condition(plane, name).get("message", ""), "the condition to say so"
    )
    hard = _required(plane, cluster.PATHS["ResourceQuota"].format(name))["spec"]["hard"]
    assert hard["pods"] == "500"
    assert {_revision(plane, name)} != {revision}
    revisions = {
        item["metadata"]["labels"]["platform/tier-revision"] for item in cluster.bundle(plane, name).values()
    }
    assert len(revisions) == 1


def test_a_team_change_moves_the_access(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name, team="payments")
    plane.kubectl("label", "namespace", name, "platform/team=analytics", "--overwrite")
    ask = ("auth", "can-i", "create", "deployments", "-n", name, "--as=dev")
    cluster.eventually(
        lambda: (
            cluster.may(plane, *ask, "--as-group=team-analytics")
            and not cluster.may(plane, *ask, "--as-group=team-payments")
        ),
        "the access to move",
    )


def _patch(plane: ControlPlane, kind: str, namespace: str, patch: str) -> None:
    name = cluster.PATHS[kind].rpartition("/")[2]
    plane.kubectl("patch", kind.lower(), name, "-n", namespace, "--type=merge", "-p", patch)


def _required(plane: ControlPlane, path: str) -> cluster.Manifest:
    """The object, or nothing at all while it is on its way back."""
    return cluster.get(plane, path) or {"metadata": {"labels": {}}}


_required_or_empty = _required


def _content(manifest: cluster.Manifest) -> cluster.Manifest:
    return {key: manifest.get(key) for key in ("spec", "roleRef", "subjects")}


def _revision(plane: ControlPlane, name: str) -> str:
    live = _required(plane, cluster.PATHS["ResourceQuota"].format(name))
    return str(live["metadata"]["labels"]["platform/tier-revision"])


def test_a_team_cannot_make_our_object_its_own(plane: ControlPlane, name: str) -> None:
    """ClusterRole edit lets a team write network policies: ours are out of reach, and come back anyway."""
    cluster.new(plane, name, team="payments")
    path = cluster.PATHS["NetworkPolicy"].format(name)
    right = _required(plane, path)
    taken = {
        "apiVersion": right["apiVersion"],
        "kind": right["kind"],
        "metadata": {"name": "default-deny-all", "namespace": name, "managedFields": [{}]},
        "spec": {**right["spec"], "ingress": [{}]},
    }
    team = ("--as=dev", "--as-group=team-payments")
    with pytest.raises(ControlPlaneError, match="managed-objects"):
        plane.kubectl("replace", "-f", "-", *team, stdin=json.dumps(taken))
    plane.kubectl("replace", "-f", "-", stdin=json.dumps(taken))
    cluster.eventually(
        lambda: (
            _content(_required(plane, path)) == _content(right)
            and _required(plane, path)["metadata"]["labels"] == right["metadata"]["labels"]
        ),
        "the policy to be ours again",
        seconds=REPAIR_SECONDS,
    )
