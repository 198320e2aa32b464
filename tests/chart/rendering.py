"""The chart as the real helm renders it, and what is in there."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from tools.chart.generated import CHART
from tools.controlplane import assets
from tools.controlplane.process import child_environment
from webhook.core.model import Manifest

RELEASE = "ns-provisioner"
NAMESPACE = "ns-provisioner"
KUBERNETES = ("--kube-version", "1.36.4")


def helm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Whatever it says and however it ends."""
    command = [str(assets.ensure(["helm"]) / "helm"), *arguments]
    return subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=False)


def template(
    *arguments: str, chart: Path = CHART, namespace: str = NAMESPACE
) -> "subprocess.CompletedProcess[str]":
    return helm("template", RELEASE, str(chart), "--namespace", namespace, *KUBERNETES, *arguments)


def render(*arguments: str, namespace: str = NAMESPACE) -> list[Manifest]:
    """The manifests, those of the test hook included; an error carries helm's own words."""
    result = template(*arguments, namespace=namespace)
    assert result.returncode == 0, result.stderr
    return read(result.stdout)


def read(text: str) -> list[Manifest]:
    return [manifest for manifest in yaml.load_all(text, yaml.CSafeLoader) if manifest]


def refusal(*arguments: str, namespace: str = NAMESPACE) -> str:
    """What helm says to values that it does not take, without its own beginning."""
    result = template(*arguments, namespace=namespace)
    assert result.returncode != 0, "nothing was refused"
    return result.stderr


def named(manifests: Iterable[Manifest], kind: str, name: str = "") -> Manifest:
    """The one manifest of a kind, and of a name where there are several."""
    found = [each for each in manifests if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def kinds(manifests: Iterable[Manifest], *wanted: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in wanted]


def sets(values: Sequence[str]) -> list[str]:
    """`--set` for each of `a.b=c`."""
    return [part for value in values for part in ("--set", value)]
