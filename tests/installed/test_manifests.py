"""An API server's own word on what the chart renders: its schemas, and dry runs in a restricted namespace."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.chart import rendering
from tests.installed import schemas
from tools.controlplane import assets
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation
from webhook.core.model import Manifest

_PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
_API = ["api.enabled=true", "api.tokensSecretName=tokens"]
SWITCHES = {
    "as it comes": [],
    "with everything": [*_API, "admission.autoscaling.enabled=true", "tls.clientCA.secretName=ca"],
    "a Secret of one's own": ["tls.source=secret", "tls.secretName=mine", f"tls.caBundle={_PEM}"],
    "a pair made at install": ["tls.source=self-signed"],
    "as little as possible": [
        "admission.replicas=1",
        "controller.replicas=1",
        "admission.policies.enabled=false",
        "networkPolicy.enabled=false",
        "flowControl.enabled=false",
        "admission.podDisruptionBudget.enabled=false",
    ],
    "placed and named": [
        "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "imagePullSecrets[0].name=registry",
        "admission.tolerations[0].operator=Exists",
        "admission.extraEnv[0].name=A",
        "admission.extraEnv[0].value=b",
        "controller.podDisruptionBudget.maxUnavailable=50%",
        "commonLabels.team=platform",
        "commonAnnotations.owner=platform",
    ],
}


@pytest.fixture(scope="module")
def folder(plane: ControlPlane, product: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas, cert-manager's included."""
    found = tmp_path_factory.mktemp("schemas")
    assert schemas.write(plane, found) > 100
    return found


@pytest.fixture(scope="module")
def restricted(plane: ControlPlane, product: Installation) -> str:
    """A namespace as teams have it, and as strict as there is, with our accounts in it."""
    labels = {"platform/team": "restricted", "pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": "restricted", "labels": labels}
    answer = plane.api.send("POST", "/api/v1/namespaces", {"metadata": metadata})
    assert answer.status == 201, answer.body
    for component in ("admission", "controller", "api"):
        plane.kubectl("create", "serviceaccount", f"ns-provisioner-{component}", "-n", "restricted")
    return "restricted"


@pytest.mark.parametrize("values", SWITCHES.values(), ids=SWITCHES)
def test_kubeconform_finds_nothing_wrong(folder: Path, values: list[str], tmp_path: Path) -> None:
    assert "Invalid: 0, Errors: 0, Skipped: 0" in _conform(
        folder, rendering.render(*rendering.sets(values)), tmp_path
    )


def test_kubeconform_would_find_a_misspelt_key(folder: Path, tmp_path: Path) -> None:
    rendered = rendering.render()
    rendering.named(rendered, "Service", "ns-provisioner-admission")["spec"]["selectors"] = {}
    assert "additional properties 'selectors' not allowed" in _conform(folder, rendered, tmp_path)


@pytest.mark.parametrize("values", SWITCHES.values(), ids=SWITCHES)
def test_every_pod_is_taken_by_a_restricted_namespace(
    plane: ControlPlane, restricted: str, values: list[str]
) -> None:
    for pod in _pods(rendering.render(*rendering.sets(values))):
        path = f"/api/v1/namespaces/{restricted}/pods?dryRun=All"
        answer = plane.api.send("POST", path, pod)
        assert answer.status == 201, answer.body


def test_a_pod_that_may_more_would_be_refused(plane: ControlPlane, restricted: str) -> None:
    pod, *_ = _pods(rendering.render())
    del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]
    answer = plane.api.send("POST", f"/api/v1/namespaces/{restricted}/pods?dryRun=All", pod)
    assert (answer.status, b"violates PodSecurity" in answer.body) == (403, True)


@pytest.mark.parametrize("values", SWITCHES.values(), ids=SWITCHES)
def test_the_api_server_takes_all_of_it(
    plane: ControlPlane, product: Installation, values: list[str]
) -> None:
    """In a dry run, and says nothing of unknown or repeated fields; selectors that cannot change stay."""
    manifests = [each for each in rendering.render(*rendering.sets(values)) if each["kind"] != "Pod"]
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"),
        stdin=everything,
    )


def _pods(rendered: list[Manifest]) -> list[Manifest]:
    found = [each["spec"]["template"] for each in rendering.kinds(rendered, "Deployment")]
    found += rendering.kinds(rendered, "Pod")
    return [
        {"metadata": {"generateName": "dry-", "labels": each["metadata"]["labels"]}, "spec": each["spec"]}
        for each in found
    ]


def _conform(folder: Path, rendered: list[Manifest], scratch: Path) -> str:
    file = scratch / "rendered.yaml"
    file.write_text(yaml.safe_dump_all(rendered))
    command = [str(assets.ensure(["kubeconform"]) / "kubeconform"), "-summary", "-strict"]
    command += ["-schema-location", f"{folder}/{schemas.LOCATION}", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr
