"""Installs the chart on a plane as people do, with the real helm and cert-manager, and runs its Pods.

What a plane lacks for that is a node: `tools.standin`. Nothing of the chart is rewritten.
"""

import base64
import hashlib
import json
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.chart.generated import CHART
from tools.controlplane import assets, waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process, child_environment
from tools.dev import accounts, presence
from tools.dev.product import TOKEN_GROUPS, TOKEN_SUBJECT
from tools.standin.node import RunningPod, Standin

RELEASE = "ns-provisioner"
NAMESPACE = accounts.NAMESPACE
CA_FILE = "ca.crt"
_TOKENS = "ns-provisioner-tokens"
_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_HELM_SECONDS = 180
KUBELET_SECONDS = 5.0
"""Until a changed Secret or ConfigMap reaches its files; a real kubelet takes up to a minute or so."""


class Helm:
    """The real helm, as cluster administrator, with nothing of the user's own settings."""

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self._plane = plane
        self._homes = {f"HELM_{name}_HOME": str(directory / "helm") for name in ("CACHE", "CONFIG", "DATA")}

    def __call__(self, *arguments: str) -> str:
        """What it says; an error carries its own words."""
        command = [str(assets.ensure(["helm"]) / "helm"), *arguments, "--namespace", NAMESPACE]
        environment = {**child_environment(), **self._homes, "KUBECONFIG": str(self._plane.kubeconfig)}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ControlPlaneError(f"helm {arguments[0]}: {result.stderr.strip()}")
        return result.stdout


class Installation:
    """The chart on a plane; what is used of it is what `tools.dev.product.Product` has, too."""

    def __init__(self, plane: ControlPlane, directory: Path, node: Standin | None) -> None:
        """Without a `node` its Pods run in another process, or not at all."""
        self.plane = plane
        self.directory = directory
        self._node = node
        self.helm = Helm(plane, directory)
        self.catalogue: Path | None = None
        self.token = ""

    @classmethod
    def start(
        cls,
        plane: ControlPlane,
        directory: Path,
        *,
        catalogue: Path | None = None,
        values: Mapping[str, Any] | None = None,
        kubelet_delay: float = KUBELET_SECONDS,
    ) -> "Installation":
        """cert-manager, a node, and `helm install --wait`; returns when the webhooks have been seen at work.

        The API is enabled. `values` are Helm's, by path: {"admission.replicas": 1}.
        """
        directory.mkdir(parents=True, exist_ok=True)
        node = Standin.start(plane, directory / "node", namespaces=(NAMESPACE,), kubelet_delay=kubelet_delay)
        found = cls(plane, directory, node)
        try:
            found.start_cert_manager()
            found.prepare()
            found.catalogue = catalogue
            found.install(values or {})
        except BaseException:
            found.stop()
            raise
        return found

    @property
    def node(self) -> Standin:
        assert self._node is not None, "the node runs in another process"
        return self._node

    def start_cert_manager(self) -> None:
        """Unless it runs already."""
        if not any(process.name == "cert-manager" for process in self.plane.processes()):
            self.plane.start_cert_manager()

    def prepare(self) -> None:
        """The namespace, which takes only Pods of the restricted profile, and tokens for the API."""
        made_of = {"name": NAMESPACE, "labels": _RESTRICTED}
        self._apply({"apiVersion": "v1", "kind": "Namespace", "metadata": made_of})
        self.token = secrets.token_urlsafe(24)
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        line = f"sha256:{digest} {TOKEN_SUBJECT} {TOKEN_GROUPS}\n"
        metadata = {"name": _TOKENS, "namespace": NAMESPACE}
        data = {"tokens": base64.b64encode(line.encode()).decode()}
        self._apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    def install(self, values: Mapping[str, Any]) -> None:
        self.helm("install", RELEASE, str(CHART), *self._flags(values))
        self._settle()

    def upgrade(self, values: Mapping[str, Any], *, chart: Path = CHART, flags: Sequence[str] = ()) -> None:
        """To these values and no others; what somebody took away comes back, too."""
        self.helm("upgrade", RELEASE, str(chart), "--reset-values", *self._flags(values), *flags)
        self._settle()

    def register(self) -> None:
        """Bring back webhooks and policies: the way back from the emergency exit."""
        self.helm("upgrade", RELEASE, str(CHART), "--reuse-values", *_wait())
        self._settle()

    def stop_admission(self) -> None:
        """No process answers any more; all is registered still."""
        self._replicas = len(self.pods("admission"))
        self._scale(0)

    def start_admission(self) -> None:
        self._scale(self._replicas)
        presence.wait(self.plane, [])

    def pods(self, component: str) -> list[RunningPod]:
        """Those that run and are not on their way out."""
        found = self.node.pods(f"app.kubernetes.io/component={component}")
        return [pod for pod in found if not pod.terminating]

    @property
    def processes(self) -> dict[str, Process]:
        """By the names of their pods."""
        return {pod.name: pod.process for pod in self.node.pods()}

    @property
    def health_urls(self) -> dict[str, str]:
        """The side port of each pod, by its name."""
        pods = self._get("pods")["items"]
        return {pod["metadata"]["name"]: f"http://{pod['status']['podIP']}:8081" for pod in pods}

    def metrics(self, component: str) -> str:
        """Of all replicas, one after another."""
        return "\n".join(_read(f"http://{pod.ip}:8081/metrics") for pod in self.pods(component))

    @property
    def api_url(self) -> str:
        return f"http://{self.address('ns-provisioner-api')}"

    @property
    def webhook_url(self) -> str:
        """With the name in the certificate, which `curl_home` resolves."""
        return f"https://ns-provisioner-admission.{NAMESPACE}.svc"

    @property
    def curl_home(self) -> Path:
        """For the variable CURL_HOME: a cluster's names for one who has no cluster's DNS."""
        host = self.webhook_url.removeprefix("https://")
        (self.directory / ".curlrc").write_text(
            f"resolve = {host}:443:{self.address('ns-provisioner-admission')}\n"
        )
        return self.directory

    @property
    def ca_file(self) -> Path:
        """The authority of the serving certificate, in a file."""
        path = self.directory / CA_FILE
        path.write_bytes(self.secret("ns-provisioner-tls")["ca.crt"])
        return path

    def address(self, service: str) -> str:
        """A Service's ClusterIP."""
        return str(self._get(f"services/{service}")["spec"]["clusterIP"])

    def secret(self, name: str) -> dict[str, bytes]:
        return {key: base64.b64decode(text) for key, text in self._get(f"secrets/{name}")["data"].items()}

    def resume(self, node: Standin) -> None:
        """Go on with another node, after the first was lost."""
        self._node = node

    def stop(self) -> None:
        """Kill what runs: the release stays where it is, on a plane that ends with it."""
        if self._node is not None:
            self._node.stop()

    def _flags(self, values: Mapping[str, Any]) -> list[str]:
        own = {"api.enabled": True, "api.tokensSecretName": _TOKENS}
        flags = [
            part
            for name, value in (own | dict(values)).items()
            for part in ("--set-json", f"{name}={json.dumps(value)}")
        ]
        if self.catalogue is not None:
            flags += ["--set-file", f"catalogue={self.catalogue}"]
        return [*flags, *_wait()]

    def _settle(self) -> None:
        if self._node is not None:
            self._node.check()
        presence.wait(self.plane, [])
        waiting.until(self._is_api_reached, "the API to be reached", [], limit=30)

    def _is_api_reached(self) -> bool:
        """The node's proxy hears a moment after Helm that its pods are ready. Without the API, at once."""
        if self.plane.api.get(f"/api/v1/namespaces/{NAMESPACE}/services/ns-provisioner-api").status == 404:
            return True
        try:
            _read(self.api_url)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def _scale(self, replicas: int) -> None:
        deployment = "deployment/ns-provisioner-admission"
        self.plane.kubectl("scale", deployment, f"--replicas={replicas}", "-n", NAMESPACE)
        waiting.until(
            lambda: (
                len([pod for pod in self.pods("admission") if pod.ready]) == replicas
                and (replicas > 0 or not self.node.pods("app.kubernetes.io/component=admission"))
            ),
            f"{replicas} admission replicas",
            [],
            limit=60,
        )

    def _apply(self, manifest: dict[str, Any]) -> None:
        self.plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))

    def _get(self, path: str) -> dict[str, Any]:
        answer = self.plane.api.get(f"/api/v1/namespaces/{NAMESPACE}/{path}")
        if answer.status != 200:
            raise ControlPlaneError(f"{path} in {NAMESPACE}: {answer.body.decode()}")
        found: dict[str, Any] = answer.json()
        return found


def _wait() -> Sequence[str]:
    return ("--wait", "--timeout", f"{_HELM_SECONDS}s")


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a loopback address
        text: str = answer.read().decode()
    return text
