"""The image's command as a cluster runs it: user 65532, nothing writable, the chart's arguments, volumes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chart import rendering
from tests.image import alone
from tools.controlplane import waiting
from tools.controlplane.process import Process
from tools.image import boxed
from tools.image.build import Image

ROOT = Path(__file__).parents[2]
UID = 65532
_MOUNTS = "/etc/ns-provisioner"


def as_in_the_chart() -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of the admission Deployment, as helm renders it."""
    deployment = rendering.named(rendering.render(), "Deployment", "ns-provisioner-admission")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container["args"], {each["name"]: each["value"] for each in container["env"]}


@dataclass(frozen=True, slots=True)
class Container:
    process: Process
    ca_file: Path
    network: ThreadPoolExecutor  # its one thread is in the container's network

    def get(self, url: str) -> str:
        """What curl prints; an answer that is no success is an error."""
        return self.network.submit(_curl, url).result()

    def post(self, url: str, body: Path) -> str:
        sent = [
            "--cacert",
            str(self.ca_file),
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            f"@{body}",
        ]
        return self.network.submit(_curl, url, *sent).result()


def run(image: Image, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The image's command with other arguments, to its end."""
    return execute(image, folder, [*image.entrypoint, *arguments])


def execute(image: Image, folder: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Another command in the image; nothing in its environment but what the image sets."""
    command = boxed.command(argv, image.root, empty=folder, uid=UID, mounts={})
    return subprocess.run(command, env=image.environment, capture_output=True, text=True, check=False)


@contextmanager
def serve(image: Image, folder: Path) -> Iterator[Container]:
    """Ready when it is given; ended afterwards if the test has not ended it."""
    mounts = _volumes(folder)
    (folder / "root").mkdir()
    arguments, environment = as_in_the_chart()
    argv = [*image.entrypoint, *arguments]
    boxed_argv = boxed.command(argv, image.root, empty=folder / "root", uid=UID, mounts=mounts)
    process = Process.spawn(
        "nsp", _alone(boxed_argv), log=folder / "log", env={**image.environment, **environment}
    )
    try:
        waiting.until(lambda: _logged(process), "nsp to listen", [process])
        with ThreadPoolExecutor(1, initializer=_join, initargs=(process.pid,)) as network:
            yield Container(process, folder / "tls" / "ca.crt", network)
    finally:
        process.stop(0)  # at once: draining takes its time, and one test waits for it


def _volumes(folder: Path) -> Mapping[str, Path]:
    """The serving Secret and the catalogue's ConfigMap; the kubelet lends a volume to the pod's group."""
    nsp = str(Path(sys.executable).with_name("nsp"))
    subprocess.run([nsp, "certs", "make", "--dir", str(folder / "tls")], check=True, capture_output=True)
    key = folder / "tls" / "tls.key"
    if os.geteuid() == 0:
        shutil.chown(key, group=UID)
        key.chmod(0o440)
    (folder / "catalogue").mkdir()
    shutil.copy(ROOT / "webhook" / "catalogue.yaml", folder / "catalogue")
    return {f"{_MOUNTS}/{name}": folder / name for name in ("tls", "catalogue")}


def _logged(process: Process) -> bool:
    return process.log.read_text().count('"listening"') == 2


def _alone(argv: list[str]) -> list[str]:
    """Making a network takes root's rights; without them the ports are this machine's."""
    return [sys.executable, "-I", "-S", alone.__file__, *argv] if os.geteuid() == 0 else argv


def _join(pid: int) -> None:
    if os.geteuid() == 0:
        alone.join(pid)


def _curl(url: str, *options: str) -> str:
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *options, url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout
