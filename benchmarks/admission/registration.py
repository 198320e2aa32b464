"""Registers a webhook pair with a plane: the configurations of `nsp webhooks`, on some namespaces only."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.admission.servers import environment
from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.product import nsp

LABEL = "benchmark"
"""Namespaces are for the pair that this label names, so that several can be registered at once."""

_CALLS = re.compile(
    r"^apiserver_admission_webhook_admission_duration_seconds_count\{"
    r'.*?name="([^"]+)".*rejected="false".*\} (\S+)$'
)


def namespace(name: str, pair: str) -> dict[str, Any]:
    """A namespace for a pair to review."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: pair}}}


@contextmanager
def of(plane: ControlPlane, pair: str, url: str, ca_file: Path) -> Iterator[None]:
    """From when the API server calls both webhooks of the pair until the end; `url` is https://HOST:PORT."""
    command = [nsp(), "webhooks", "--url", url, "--ca-file", str(ca_file)]
    printed = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if printed.returncode:
        raise ControlPlaneError(f"nsp webhooks: {printed.stderr.strip()}")
    configurations = json.loads(printed.stdout)
    for configuration in configurations["items"]:
        configuration["metadata"]["name"] = f"benchmark-{pair}"
        for webhook in configuration["webhooks"]:
            webhook["name"] = _webhook(webhook["name"].partition(".")[0], pair)
            webhook["objectSelector"] = {"matchLabels": {LABEL: pair}}
    content = json.dumps(configurations)
    plane.kubectl("apply", "-f", "-", stdin=content)
    try:
        waiting.until(lambda: _called(plane, pair), f"the webhooks of {pair} to be called", [])
        yield
    finally:
        plane.kubectl("delete", "-f", "-", stdin=content)


def calls(plane: ControlPlane, pair: str) -> tuple[int, int]:
    """How often the API server has called the pair: to mutate, to validate."""
    counted = {
        match[1]: int(float(match[2]))
        for line in plane.api.get("/metrics").body.decode().splitlines()
        if (match := _CALLS.match(line))
    }
    return counted.get(_webhook("mutate", pair), 0), counted.get(_webhook("validate", pair), 0)


def _webhook(endpoint: str, pair: str) -> str:
    return f"{endpoint}.{pair}.benchmark"


def _called(plane: ControlPlane, pair: str) -> bool:
    plane.api.send("POST", "/api/v1/namespaces?dryRun=All", namespace("probe", pair))
    return all(calls(plane, pair))
