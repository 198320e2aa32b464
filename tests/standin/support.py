"""What these tests say to the cluster, and what they wait for."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from tools.standin.node import RunningPod, Standin

IMAGE = "registry.example/team/ns-provisioner:1.2.3@sha256:0123"
LIMIT_SECONDS = 20.0

Manifest = dict[str, Any]


def until(condition: Callable[[], object], what: str) -> None:
    waiting.until(lambda: bool(condition()), what, [], limit=LIMIT_SECONDS)


def pod(
    name: str, script: str, *, more: Manifest | None = None, container: Manifest | None = None
) -> Manifest:
    """One that runs a line of shell; `more` is for its spec."""
    runs = {"name": "main", "image": IMAGE, "command": ["sh", "-c", script]} | (container or {})
    spec = {"containers": [runs], "terminationGracePeriodSeconds": 5} | (more or {})
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": spec,
    }


@dataclass(frozen=True)
class Namespace:
    """One namespace with its node."""

    plane: ControlPlane
    node: Standin
    name: str

    def create(self, manifest: Manifest) -> None:
        self.plane.kubectl("create", "-n", self.name, "-f", "-", stdin=json.dumps(manifest))

    def delete(self, name: str, *flags: str) -> None:
        self.plane.kubectl("delete", "pod", name, "-n", self.name, *flags)

    def status(self, name: str) -> Manifest:
        found = self.plane.api.get(f"/api/v1/namespaces/{self.name}/pods/{name}")
        status: Manifest = found.json().get("status", {}) if found.status == 200 else {}
        return status

    def phase(self, name: str) -> str:
        return str(self.status(name).get("phase", "gone"))

    def container(self, name: str) -> Manifest:
        """The status of its only container; empty before there is one."""
        (found,) = self.status(name).get("containerStatuses") or [{}]
        return dict(found)

    def log(self, name: str) -> str:
        file = self.node.logs / f"{name}.log"
        return file.read_text() if file.exists() else ""

    def running(self, name: str) -> RunningPod:
        """Once it does."""
        until(lambda: self.node.pods(f"app={name}"), f"{name} to run")
        (found,) = self.node.pods(f"app={name}")
        return found

    def ended(self, name: str) -> str:
        """The phase it ends with."""
        until(lambda: self.phase(name) in ("Succeeded", "Failed"), f"{name} to end")
        return self.phase(name)

    def secret(self, name: str, **entries: str) -> None:
        """Made, or changed."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": entries}
        self.plane.kubectl("apply", "--server-side", "-n", self.name, "-f", "-", stdin=json.dumps(body))
