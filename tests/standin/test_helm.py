"""A chart that knows nothing of the stand-in is installed, upgraded and taken away by the real helm."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.standin.support import Namespace, until
from tools.controlplane import assets

CHART = Path(__file__).parent / "toychart"

Helm = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def helm(here: Namespace, tmp_path: Path) -> Helm:
    nsp = [f"{sys.prefix}/bin/nsp", "certs", "make", "--dir", str(tmp_path / "certs")]
    subprocess.run([*nsp, f"--host=toy.{here.name}.svc"], check=True, capture_output=True)
    binary = assets.ensure(("helm",)) / "helm"
    files = [f"{key}={tmp_path}/certs/tls.{end}" for key, end in (("certificate", "crt"), ("key", "key"))]
    values = [f"--set-file={each}" for each in files]

    def run(verb: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(binary), f"--kubeconfig={here.plane.kubeconfig}", "-n", here.name, verb, "toy"]
        if verb in ("install", "upgrade"):
            command += [str(CHART), "--wait", *values]
        return subprocess.run([*command, "--timeout=30s", *arguments], capture_output=True, text=True)

    return run


def _webhook(here: Namespace, authority: Path) -> str:
    service = {"namespace": here.name, "name": "toy", "path": "/validate"}
    client = {"service": service, "caBundle": base64.b64encode(authority.read_bytes()).decode()}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["namespaces"]}
    hook = {
        "name": "toy.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": client,
        "rules": [rule],
    }
    kind = "ValidatingWebhookConfiguration"
    manifest = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "webhooks": [hook]}
    return json.dumps(manifest | {"metadata": {"name": here.name}})


def _forget_webhook(here: Namespace) -> None:
    here.plane.kubectl("delete", "validatingwebhookconfiguration", here.name, "--ignore-not-found")


def test_a_chart_lives_its_life(
    here: Namespace, helm: Helm, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    installed = helm("install")
    assert installed.returncode == 0, installed.stderr + str(here.node.problems())
    first = here.node.pods("app=toy")
    assert [pod.ready for pod in first] == [True, True]
    assert all(pod.process.rss() > 10 << 20 for pod in first)
    assert here.node.problems() == []

    request.addfinalizer(lambda: _forget_webhook(here))
    here.plane.kubectl("apply", "-f", "-", stdin=_webhook(here, tmp_path / "certs" / "ca.crt"))
    create = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-toy"}}

    def refused() -> bool:
        answer = here.plane.api.send("POST", "/api/v1/namespaces?dryRun=All", create)
        return answer.status == 422 and b"reserved-name" in answer.body

    until(refused, "the API server to call the pods through their Service")
    assert any(dial.taken for dial in here.node.balancer("toy", 443).dials)

    assert "Phase:          Succeeded" in helm("test").stdout
    upgraded = helm("upgrade", "--set=hook={no-such-verb}", "--set=quiet=1")
    assert upgraded.returncode == 0, upgraded.stderr + str(here.node.problems())
    until(lambda: len(here.node.pods("app=toy")) == 2, "the former pods to be gone")
    assert not {pod.uid for pod in first} & {pod.uid for pod in here.node.pods()}
    assert refused()
    failed = helm("test")
    assert failed.returncode == 1
    assert "pod toy-test failed" in failed.stderr
    assert "No such command 'no-such-verb'" in here.log("toy-test")

    _forget_webhook(here)
    removed = helm("uninstall", "--wait")
    assert removed.returncode == 0, removed.stderr
    until(lambda: not here.node.pods(), "the pods to be gone")
    with pytest.raises(KeyError):
        here.node.balancer("toy")


def test_an_image_that_cannot_be_had_fails_the_installation(here: Namespace, helm: Helm) -> None:
    failed = helm("install", "--set=image=busybox", "--timeout=2s")
    assert failed.returncode == 1
    assert any("ErrImagePull: busybox" in problem for problem in here.node.problems())
