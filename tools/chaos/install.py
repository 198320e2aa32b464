"""From a cluster with cert-manager to the first namespace with its guardrails on, as people install."""

import tempfile
import time
from pathlib import Path
from statistics import median

from tools.chaos.report import Report
from tools.controlplane import console
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation

TARGET_SECONDS = 60.0
FULL, SHORT = 5, 1


def main(rounds: int) -> Report:
    report = Report(f"install: {rounds} times on a fresh control plane with cert-manager")
    installed, provisioned = [], []
    for number in range(rounds):
        with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
            plane.start_cert_manager()
            began = time.monotonic()
            product = Installation.start(plane, Path(folder))
            try:
                installed.append(time.monotonic() - began)
                plane.kubectl("create", "namespace", "first")
                plane.kubectl("wait", "--for=condition=Provisioned", "namespace/first", "--timeout=60s")
                provisioned.append(time.monotonic() - began)
            finally:
                product.stop()
        console.say(f"round {number + 1}: {provisioned[-1]:.1f} s")
    report.tell("helm install --wait, until webhooks and policies are at work", _spread(installed))
    kept = max(provisioned) <= TARGET_SECONDS
    what = "from helm install to the first provisioned namespace"
    report.check(what, _spread(provisioned), f"{TARGET_SECONDS:.0f} s", kept=kept, speed=True)
    return report


def _spread(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} s ({min(seconds):.1f}-{max(seconds):.1f})"
