"""All pods are gone: what still works, the emergency exit, and the way back, by the page's own commands."""

import os
from pathlib import Path

import pytest

from tests.docs import console
from tests.e2e import cluster
from tools.chaos import everyday
from tools.chart.generated import CHART
from tools.controlplane.plane import ControlPlane
from tools.dev import presence
from tools.dev.installation import NAMESPACE, Installation
from tools.dev.product import nsp
from tools.standin.node import Standin

PAGE = Path(__file__).parents[2] / "docs" / "emergency.md"
GONE_SECONDS = 30.0
LEASE_SECONDS = 30.0
"""Nobody gave the Lease back."""

_MERGE = {"Content-Type": "application/merge-patch+json"}

pytestmark = pytest.mark.timeout(300)

SLIPPED: dict[str, dict[str, str]] = {
    "kube-slipped": {},
    "slipped-unlabelled": {},
    "slipped-tier": {"platform/tier": "xl", "app.kubernetes.io/managed-by": "ns-provisioner"},
}
"""Namespaces that are let in while nobody looks, with their labels."""


@pytest.fixture(scope="module")
def outage(installed: Installation) -> Installation:
    """The node with all pods is lost; it comes back for the way back."""
    cluster.new(installed.plane, "tenant", team="tenant")
    cluster.new(installed.plane, "leaving", team="leaving")
    installed.node.stop()
    return installed


def test_namespaces_are_refused_with_a_clear_text(outage: Installation) -> None:
    status, answer = cluster.create(outage.plane, cluster.namespace("refused"))
    assert status == 500
    assert 'failed calling webhook "validate.ns-provisioner.io"' in cluster.denial(answer)


def test_everything_else_that_a_cluster_needs_works(outage: Installation) -> None:
    refused = []
    for request in everyday.writes("tenant", "outage"):
        answer = outage.plane.api.send(
            request.method, request.path, request.body, headers=_MERGE if request.method == "PATCH" else None
        )
        if answer.status not in request.wanted:
            refused.append(f"{request.what}: {answer.status} {answer.body.decode()[:200]}")
    assert refused == []


def test_namespaces_can_be_deleted(outage: Installation) -> None:
    outage.plane.kubectl("delete", "namespace", "leaving", "--wait=false")
    path = "/api/v1/namespaces/leaving"
    cluster.eventually(
        lambda: cluster.get(outage.plane, path) is None, "the deletion to finish", seconds=GONE_SECONDS
    )


def test_the_exit_lets_namespaces_pass_and_keeps_what_is_managed(
    outage: Installation, tmp_path: Path
) -> None:
    exit_command, *_ = console.commands(PAGE)
    (said,) = console.run([exit_command], directory=tmp_path, environment=_environment(outage))
    assert said == exit_command.output
    for name, labels in SLIPPED.items():
        manifest = cluster.namespace(name)
        manifest["metadata"]["labels"] = labels
        status, answer = cluster.create(outage.plane, manifest)
        assert status == 201, answer
    _let_everybody_write(outage.plane)
    change = {"metadata": {"labels": {"platform/team": "eve"}}}
    eve = {**_MERGE, "Impersonate-User": "eve", "Impersonate-Group": "system:authenticated"}
    refused = outage.plane.api.send("PATCH", "/api/v1/namespaces/tenant", change, headers=eve)
    assert (refused.status, b"[managed-labels-immutable]" in refused.body) == (403, True), refused.body


def test_the_way_back_ends_with_a_list_of_all_that_slipped_by(outage: Installation, tmp_path: Path) -> None:
    outage.resume(Standin.start(outage.plane, outage.directory / "node", namespaces=(NAMESPACE,)))
    _, *back = console.commands(PAGE)
    printed = console.run(back, directory=tmp_path, environment=_environment(outage))
    assert printed[:2] == ["", ""]
    presence.wait(outage.plane, [])
    for name in SLIPPED:
        assert name in printed[2]
    assert "tenant" not in printed[2]
    cluster.eventually(
        lambda: "nsp_leader 1.0" in outage.metrics("controller"),
        "a controller to lead",
        seconds=LEASE_SECONDS,
    )


def _let_everybody_write(plane: ControlPlane) -> None:
    plane.kubectl("create", "clusterrole", "writes-namespaces", "--verb=*", "--resource=namespaces")
    plane.kubectl("create", "clusterrolebinding", "eve", "--clusterrole=writes-namespaces", "--user=eve")


def _environment(installed: Installation) -> dict[str, str]:
    folders = [str(installed.plane.bin_dir), str(Path(nsp()).parent), os.environ["PATH"]]
    return {
        "PATH": ":".join(folders),
        "HOME": str(installed.directory),
        "KUBECONFIG": str(installed.plane.kubeconfig),
        "CHART": str(CHART),
    }
