"""The console blocks of docs/install.md and docs/staged-rollout.md, typed on a cluster with nothing of ours.

`helm test` is not among them: pods of the stand-in have no DNS of a cluster.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.docs import pages
from tests.e2e import cluster
from tools.chart.generated import CHART
from tools.controlplane import assets
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import NAMESPACE, Installation
from tools.dev.product import nsp
from tools.standin.node import Standin
from webhook.codec import catalogue

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "=== end of command ==="
_FORGET = (
    f"kubectl delete secret ns-provisioner-tls --namespace {NAMESPACE}; "
    f"kubectl delete leases --all --namespace {NAMESPACE}"
)
"""The page shows more than one way to install: this goes between two of them."""

_KUBELET_SECONDS = 60.0
"""A changed ConfigMap may be this long on its way to the pods."""

Typed = list[tuple[str, str]]

pytestmark = pytest.mark.timeout(300)


class Shell:
    """A bash in a folder, as an administrator of the plane."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        tools = [
            str(plane.bin_dir),
            str(assets.ensure(["helm"])),
            str(Path(nsp()).parent),
            os.environ["PATH"],
        ]
        self._folder = folder
        self._environment: Mapping[str, str] = {
            "PATH": ":".join(tools),
            "HOME": str(folder),
            "KUBECONFIG": str(plane.kubeconfig),
            "CHART": str(CHART),
        }

    def __call__(self, *commands: str) -> list[str]:
        """What each prints, on either stream."""
        script = "".join(f"{{ {command}\n}} 2>&1\necho '{_MARK}'\n" for command in commands)
        ended = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return [text.strip("\n") for text in ended.stdout.split(f"{_MARK}\n")[:-1]]


@pytest.fixture(scope="module")
def shell(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("pages")
    with ControlPlane.start() as plane:
        node = Standin.start(plane, folder / "node", namespaces=(NAMESPACE,))
        try:
            Installation(plane, folder, node).start_cert_manager()
            yield Shell(plane, folder)
        finally:
            node.stop()


def _typed(page: str, begin: str, end: str = "") -> Typed:
    """Commands between two headings, whole even where they go over several lines, with their output."""
    text = (pages.DOCS / page).read_text(encoding="utf-8")
    text = text[text.index(f"\n## {begin}\n") : text.index(f"\n## {end}\n") if end else len(text)]
    found = []
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.strip("\n")))
    return found


def _same(shell: Shell, typed: Typed) -> None:
    assert typed
    commands = [command for command, _ in typed]
    assert list(zip(commands, shell(*commands), strict=True)) == typed


def test_from_nothing_to_a_namespace_with_its_guardrails(shell: Shell) -> None:
    _same(shell, _typed("install.md", "Install", "A catalogue of your own"))


def test_with_a_secret_of_your_own_and_the_api(shell: Shell) -> None:
    shell(f"helm uninstall ns-provisioner --namespace {NAMESPACE} --wait", _FORGET)
    _same(shell, _typed("install.md", "Certificates", "Flux"))


def test_uninstalling(shell: Shell) -> None:
    _same(shell, _typed("install.md", "Uninstall"))
    (left,) = shell("kubectl get resourcequotas --namespace payments --output name")
    assert left == "resourcequota/default"


def test_the_stages_one_after_the_other(shell: Shell) -> None:
    """But for the first step of the third, which the page tells of with another catalogue and user."""
    shell("kubectl delete namespace payments", _FORGET)
    text = (pages.DOCS / "staged-rollout.md").read_text(encoding="utf-8")
    whole = [
        block for block in pages.blocks(text, "yaml") if block.startswith("apiVersion: ns-provisioner.io")
    ]
    for stage, block in zip(("audit", "warn", "enforce"), whole, strict=True):
        shell(f"cat > {stage}.yaml <<'END'\n{block}END")
    for command, output in _typed("staged-rollout.md", "1. audit"):
        if "--as=dev@example.com" not in command:
            _same(shell, [(command, output)])
        if command.startswith("helm"):
            cluster.eventually(
                lambda: _all_have_read(shell), "the catalogue to be in force", seconds=_KUBELET_SECONDS
            )


def _all_have_read(shell: Shell) -> bool:
    """Whether every replica of the pair has the catalogue of the ConfigMap."""
    get = f"kubectl get --namespace {NAMESPACE} --output"
    addresses, text = shell(
        f"{get} jsonpath='{{.items[*].status.podIP}}' pods --selector app.kubernetes.io/component=admission",
        f"{get} jsonpath='{{.data.catalogue\\.yaml}}' configmap ns-provisioner-catalogue",
    )
    wanted = f'revision="{catalogue.parse(text).revision}"'
    metrics = shell(*(f"curl --silent http://{address}:8081/metrics" for address in addresses.split()))
    return bool(metrics) and all(wanted in each for each in metrics)
