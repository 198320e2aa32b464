"""The built image at work, as the chart starts it."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.image import running
from tests.image.running import Container
from tools.controlplane import waiting
from tools.image.build import Image
from webhook import __version__

pytestmark = pytest.mark.timeout(600)  # the first test waits for the build, and that for the package index

REVIEWS = Path(__file__).parents[2] / "examples" / "reviews"


def test_it_says_its_version(image: Image, tmp_path: Path) -> None:
    ended = running.run(image, tmp_path, "--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"nsp, version {__version__}\n", "")


def test_it_is_alive_and_ready_on_the_side_port(container: Container) -> None:
    assert container.get("http://127.0.0.1:8081/livez").strip() == "ok"
    assert container.get("http://127.0.0.1:8081/readyz").strip() == "ok"


@pytest.mark.parametrize(
    ("review", "allowed"),
    [("create-plain", False), ("create-unknown-tier", False), ("update-own-label", True)],
)
def test_it_decides_over_tls(container: Container, review: str, allowed: bool) -> None:
    answer = json.loads(container.post("https://127.0.0.1:8443/validate", REVIEWS / f"{review}.json"))
    assert answer["response"]["allowed"] is allowed
    assert answer["response"]["uid"] == json.loads((REVIEWS / f"{review}.json").read_text())["request"]["uid"]


def test_it_completes_over_tls(container: Container) -> None:
    answer = json.loads(container.post("https://127.0.0.1:8443/mutate", REVIEWS / "create-plain.json"))
    assert answer["response"]["patchType"] == "JSONPatch"


def test_it_runs_as_nobody_with_no_right_and_none_to_gain(container: Container) -> None:
    lines = Path("/proc", str(container.process.pid), "status").read_text().splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == 0
    if os.geteuid() == 0:
        assert status["Uid"].split() == [str(running.UID)] * 4
        assert status["Gid"].split() == [str(running.UID)] * 4
        assert status["Groups"] == ""


def test_it_has_no_credentials_and_no_home(container: Container) -> None:
    environment = Path("/proc", str(container.process.pid), "environ").read_text()
    names = {each.partition("=")[0] for each in environment.split("\0")}
    assert names & {"HOME", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"} == set()


@pytest.mark.parametrize("path", ["/app/x", "/usr/local/x", "/tmp/x", "/x"])
def test_nothing_can_be_written(image: Image, tmp_path: Path, path: str) -> None:
    ended = running.execute(image, tmp_path, ["python", "-c", f"open({path!r}, 'w')"])
    assert ended.returncode == 1
    assert "Read-only file system" in ended.stderr or "Permission denied" in ended.stderr


def test_the_root_is_read_only_for_everybody(image: Image, tmp_path: Path) -> None:
    asked = "import os, sys; print([bool(os.statvfs(path).f_flag & os.ST_RDONLY) for path in sys.argv[1:]])"
    ended = running.execute(image, tmp_path, ["python", "-c", asked, "/", "/app", "/usr/local"])
    assert ended.stdout == "[True, True, True]\n"


def test_a_wrong_setting_is_told_and_ends_it_with_an_error(image: Image, tmp_path: Path) -> None:
    ended = running.run(image, tmp_path, *image.command, "--role=admission")
    assert ended.returncode == 1
    assert ended.stderr.startswith("nsp: --tls-cert is missing")


def test_sigterm_ends_it_in_good_order(image: Image, tmp_path: Path) -> None:
    with running.serve(image, tmp_path) as container:
        os.kill(container.process.pid, signal.SIGTERM)
        waiting.until(lambda: not container.process.alive(), "nsp to end", [], limit=20)
        assert container.process.exit_code() == 0
        assert list((tmp_path / "root").iterdir()) == []
