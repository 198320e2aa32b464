"""The life of a release: tested, upgraded, rolled back, uninstalled, installed again; in this order."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from tests.chart import catalogues
from tests.e2e import cluster
from tools.chaos import hooks, writes
from tools.chaos.background import Background
from tools.chaos.cluster import Cluster
from tools.chart.generated import CHART
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation
from tools.dev.product import nsp

KEPT = "kept"
_HOOKS = "/apis/admissionregistration.k8s.io/v1"
LEASE_SECONDS = 30.0
"""The rights went before the controller could give its Lease back, so that it has to run out."""

_PLURALS = ("limitranges", "resourcequotas", "networkpolicies", "rolebindings")
_ROOTS = {
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
}

pytestmark = pytest.mark.timeout(300)
"""Seconds: a whole rollout under load is among them."""


def test_helm_test_passes(installed: Installation) -> None:
    assert re.search(r"Phase:\s+Succeeded", installed.helm("test", "ns-provisioner"))


def test_the_doctor_has_nothing_to_say(installed: Installation) -> None:
    command = [nsp(), "doctor", "--kubeconfig", str(installed.plane.kubeconfig)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert ended.stdout.rstrip().endswith("0 warn, 0 fail")


def test_everything_that_helm_made_carries_its_labels(installed: Installation) -> None:
    made = list(yaml.safe_load_all(installed.helm("get", "manifest", "ns-provisioner")))
    assert len(made) > 20
    for each in made:
        assert (
            each["metadata"]["labels"].items()
            >= {
                "app.kubernetes.io/name": "ns-provisioner",
                "app.kubernetes.io/instance": "ns-provisioner",
                "app.kubernetes.io/managed-by": "Helm",
            }.items()
        ), each["metadata"]["name"]


def test_a_second_release_is_refused(installed: Installation) -> None:
    with pytest.raises(ControlPlaneError) as refused:
        installed.helm("install", "second", str(CHART))
    said = str(refused.value)
    assert "ns-provisioner is installed in this cluster already, as release ns-provisioner" in said
    assert "helm uninstall ns-provisioner -n ns-provisioner" in said


def test_an_upgrade_under_load_loses_no_call_and_takes_a_new_catalogue(
    own_plane: ControlPlane, installed: Installation, tmp_path: Path
) -> None:
    """Other pods, another chart version, another tier: all at once, while namespaces are written."""
    cluster.new(own_plane, KEPT, team=KEPT)
    installed.catalogue = _catalogue(tmp_path, {"tiers/tiny": {"extends": "small"}})
    before = hooks.failed_calls(own_plane)
    load = _under_load(installed, lambda: installed.upgrade({"admission.podAnnotations": {"turn": "2"}}))
    bad = [str(outcome) for outcome in load.outcomes if not outcome.as_wanted]
    assert (len(load.outcomes) > 50, bad) == (True, [])
    assert hooks.failed_calls(own_plane).since(before) == (0, 0)
    status, answer = cluster.create(own_plane, cluster.namespace("tiny-one", tier="tiny"))
    assert status == 201, answer


def test_a_rollback_brings_back_what_was(own_plane: ControlPlane, installed: Installation) -> None:
    installed.helm("rollback", "ns-provisioner", "1", "--wait", "--timeout", "120s")
    deployment = _get(
        own_plane, "/apis/apps/v1/namespaces/ns-provisioner/deployments/ns-provisioner-admission"
    )
    assert "turn" not in deployment["spec"]["template"]["metadata"]["annotations"]
    cluster.eventually(
        lambda: cluster.create(own_plane, cluster.namespace("tiny-two", tier="tiny"))[0] == 422,
        "the former catalogue to be in force",
    )


def test_a_previous_version_of_the_chart_is_upgraded(
    own_plane: ControlPlane, installed: Installation, tmp_path: Path
) -> None:
    """There has been no release yet: what stands for the one before is this chart with another version."""
    installed.catalogue = None
    installed.upgrade({"admission.replicas": 2}, chart=_older(tmp_path))
    assert _version(installed) == "ns-provisioner-0.0.9"
    installed.upgrade({})
    assert _version(installed) != "ns-provisioner-0.0.9"
    cluster.new(own_plane, "after-upgrade", team="after-upgrade")


def test_uninstalling_takes_the_webhooks_first_and_leaves_namespaces_alone(
    own_plane: ControlPlane, installed: Installation
) -> None:
    before = _state(own_plane)
    assert set(before) > {f"/api/v1/namespaces/{KEPT}"}
    seen = own_plane.audit_log.stat().st_size
    installed.helm("uninstall", "ns-provisioner", "--wait", "--timeout", "120s")
    deleted = _deleted(own_plane, seen)
    first = [deleted.index(f"{each}webhookconfigurations") for each in ("validating", "mutating")]
    assert max(first) < min(deleted.index(each) for each in ("services", "deployments", "clusterroles"))
    assert _state(own_plane) == before
    status, answer = cluster.create(own_plane, cluster.namespace("unguarded"))
    assert status == 201, answer
    assert "platform/tier" not in answer["metadata"]["labels"]


def test_installing_again_adopts_what_is_there_without_a_write(
    own_plane: ControlPlane, installed: Installation
) -> None:
    before = {path: version for path, version in _state(own_plane).items() if "unguarded" not in path}
    installed.install({})
    cluster.eventually(
        lambda: "nsp_leader 1.0" in installed.metrics("controller"),
        "a controller to lead",
        seconds=LEASE_SECONDS,
    )
    cluster.new(own_plane, "after-all", team="after-all")
    cluster.eventually(lambda: _passes(installed) >= _managed(own_plane), "every namespace to be looked at")
    after = _state(own_plane)
    assert {path: after.get(path) for path in before} == before


def test_a_catalogue_that_the_processes_would_refuse_changes_nothing(
    own_plane: ControlPlane, installed: Installation, tmp_path: Path
) -> None:
    change = {"rollout/strategy": "atuo", "policy/exemptNames": ["ns-provisioner", "newly-exempt"]}
    installed.catalogue = _catalogue(tmp_path, change)
    with pytest.raises(ControlPlaneError, match="ns-provisioner-catalogue-check"):
        installed.upgrade({})
    hook = _get(own_plane, f"{_HOOKS}/validatingwebhookconfigurations/ns-provisioner")["webhooks"][0]
    assert "newly-exempt" not in hook["namespaceSelector"]["matchExpressions"][0]["values"]
    log = (installed.node.logs / "ns-provisioner-catalogue-check.log").read_text()
    assert '"atuo" is not a known way; allowed: auto, manual' in log
    installed.catalogue = None


def test_a_kind_that_the_catalogue_gives_no_more_is_taken_away(
    own_plane: ControlPlane, installed: Installation, tmp_path: Path
) -> None:
    """With the rights that go at the same time."""
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "b"}}
    installed.catalogue = _catalogue(tmp_path, {"tiers/small/extraManifests": [extra]})
    installed.upgrade({})
    path = f"/api/v1/namespaces/{KEPT}/configmaps/extra"
    cluster.eventually(lambda: cluster.get(own_plane, path), "the object to be there", seconds=LEASE_SECONDS)
    installed.catalogue = None
    installed.upgrade({})
    cluster.eventually(
        lambda: cluster.get(own_plane, path) is None, "the object to be gone", seconds=LEASE_SECONDS
    )
    cluster.provisioned(own_plane, KEPT)


def test_the_certificate_may_come_from_elsewhere_and_back(
    own_plane: ControlPlane, installed: Installation
) -> None:
    """The bundle is the CA injector's until somebody takes it, which Helm has to be told."""
    with pytest.raises(ControlPlaneError, match='conflict with "cert-manager-cainjector"'):
        installed.upgrade({"tls.source": "self-signed"})
    installed.upgrade({"tls.source": "self-signed"}, flags=["--force-conflicts"])
    _eventually_new(own_plane, "by-helm")
    assert b"trial CA" in _issuer(installed.secret("ns-provisioner-selfsigned")["tls.crt"])
    installed.upgrade({"tls.source": "cert-manager"})
    _eventually_new(own_plane, "by-cert-manager")


def _eventually_new(plane: ControlPlane, name: str) -> None:
    """Pods and bundle change at different moments."""
    cluster.eventually(
        lambda: cluster.create(plane, cluster.namespace(name, team=name))[0] == 201,
        f"{name} to be created",
        seconds=LEASE_SECONDS,
    )
    cluster.provisioned(plane, name)


def _issuer(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).issuer.rfc4514_string().encode()


def _under_load(installed: Installation, act: Any) -> writes.Writes:
    client = Cluster(installed.plane)
    with Background() as background:
        background.call(client.open())
        load = writes.Writes(client, rate=10, seed=1)
        try:
            with background.under(load):
                act()
        finally:
            background.call(client.close())
    return load


def _catalogue(folder: Path, change: dict[str, Any]) -> Path:
    file = folder / "catalogue.yaml"
    file.write_text(catalogues.text(change))
    return file


def _older(folder: Path) -> Path:
    older = folder / "chart"
    shutil.copytree(CHART, older)
    text = (older / "Chart.yaml").read_text()
    (older / "Chart.yaml").write_text(re.sub(r"(?m)^version: .*$", "version: 0.0.9", text))
    return older


def _version(installed: Installation) -> str:
    (release,) = json.loads(installed.helm("list", "--output", "json"))
    return str(release["chart"])


def _get(plane: ControlPlane, path: str) -> Any:
    answer = plane.api.get(path)
    assert answer.status == 200, answer.body
    return answer.json()


def _state(plane: ControlPlane) -> dict[str, str]:
    """The resourceVersion of each namespace, and of everything of ours in them."""
    found = {}
    for each in _get(plane, "/api/v1/namespaces")["items"]:
        metadata = each["metadata"]
        found[f"/api/v1/namespaces/{metadata['name']}"] = metadata["resourceVersion"]
    for plural in _PLURALS:
        selector = "labelSelector=app.kubernetes.io/managed-by=ns-provisioner"
        for each in _get(plane, f"{_ROOTS.get(plural, '/api/v1')}/{plural}?{selector}")["items"]:
            metadata = each["metadata"]
            found[f"{plural}/{metadata['namespace']}/{metadata['name']}"] = metadata["resourceVersion"]
    return found


def _deleted(plane: ControlPlane, begin: int) -> list[str]:
    """The kinds of what helm has deleted since a place in the log, in its order."""
    lines = plane.audit_log.read_bytes()[begin:].split(b"\n")[:-1]
    events = [json.loads(line) for line in lines]
    return [
        event["objectRef"]["resource"]
        for event in events
        if event["verb"] == "delete" and event.get("userAgent", "").startswith("Helm/")
    ]


def _passes(installed: Installation) -> float:
    text = installed.metrics("controller")
    return sum(float(line.rpartition(" ")[2]) for line in re.findall(r"(?m)^nsp_reconciles_total.*$", text))


def _managed(plane: ControlPlane) -> int:
    return len(
        _get(plane, "/api/v1/namespaces?labelSelector=app.kubernetes.io/managed-by=ns-provisioner")["items"]
    )
