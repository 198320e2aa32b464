"""`make up`, `make status`, `make down` and `make demo`, as a person runs them."""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.controlplane.plane import ControlPlane


class Environment:
    """`python -m tools.dev` with a run folder of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str) -> tuple[int, str]:
        """Exit code, and everything that was printed."""
        argv = [sys.executable, "-m", "tools.dev", command]
        variables = {**os.environ, "NSP_RUN_DIR": str(self.folder)}
        ended = subprocess.run(argv, env=variables, capture_output=True, text=True, timeout=90, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def sourced(self) -> dict[str, str]:
        """The variables that sourcing the file sets, but for PATH."""
        lines = (self.folder / "env").read_text().splitlines()
        exports = [shlex.split(line)[1] for line in lines if line.startswith("export ")]
        return dict(export.split("=", 1) for export in exports)

    def shell(self, command: str) -> str:
        """What a command says in a shell that has sourced the file."""
        script = f". {shlex.quote(str(self.folder / 'env'))} && {command}"
        clean = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        shell = ["sh", "-c", script]
        return subprocess.run(shell, env=clean, capture_output=True, text=True, timeout=30, check=True).stdout


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    """Whatever the test has started in it is stopped."""
    mine = Environment(tmp_path)
    yield mine
    mine.run("down")


def test_up_is_idempotent_and_down_leaves_nothing_running(environment: Environment) -> None:
    assert environment.run("status") == (0, "nothing runs here; start it with: make up\n")
    assert environment.run("plane")[0] == 0
    assert set(environment.sourced()) == {"KUBECONFIG"}
    code, said = environment.run("up")
    assert code == 0, said
    variables = environment.sourced()
    assert set(variables) == {"KUBECONFIG", "NSP_URL", "NSP_TOKEN", "NSP_WEBHOOK_URL", "NSP_CA_FILE"} | {
        "NSP_HEALTH_URL"
    }
    assert (environment.folder / "env").stat().st_mode & 0o777 == 0o600
    assert environment.shell("kubectl create namespace payments") == "namespace/payments created\n"
    assert environment.shell("nsp --version").startswith("nsp, version ")
    assert environment.shell("helm version --short").startswith("v4.")
    assert "everything runs already" in environment.run("up")[1]
    assert environment.sourced() == variables
    code, table = environment.run("status")
    assert code == 0, table
    for process in ("etcd", "kube-apiserver", "kube-controller-manager", "nsp", "nsp-api"):
        assert f"\n{process} " in table
    assert environment.run("down") == (0, "everything is stopped\n")
    for line in table.splitlines()[1:]:
        assert not Path("/proc", line.split()[2], "exe").exists()
    assert not (environment.folder / "env").exists()


def test_what_was_killed_is_shown_and_comes_back_where_it_was(environment: Environment) -> None:
    assert environment.run("up")[0] == 0
    variables = environment.sourced()
    _, table = environment.run("status")
    pid = next(int(line.split()[2]) for line in table.splitlines() if line.startswith("nsp "))
    os.kill(pid, signal.SIGKILL)
    code, table = environment.run("status")
    assert code == 1
    assert re.search(r"^nsp +ended", table, re.MULTILINE)
    assert environment.run("up")[0] == 0
    assert environment.sourced() == variables
    assert environment.shell("kubectl create namespace payments") == "namespace/payments created\n"
    ControlPlane.attach(environment.folder / "plane").kill("kube-controller-manager")
    code, table = environment.run("status")
    assert code == 1
    assert "kube-controller-manager  ended" in table
    code, said = environment.run("up")
    assert code == 1
    assert said.startswith("error: kube-controller-manager has ended, its log is ")
    assert "run make down" in said


def test_a_broken_catalogue_is_told_before_anything_is_started(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("mine") / "catalogue.yaml"
    file.write_text("- a\n")
    monkeypatch.setenv("NSP_CATALOGUE", str(file))
    code, said = environment.run("up")
    assert code == 1
    assert said.startswith(f"error: the tier catalogue {file} cannot be used:\n(file): must be a mapping")
    assert environment.run("status") == (0, "nothing runs here; start it with: make up\n")


def test_one_command_at_a_time(environment: Environment) -> None:
    with (environment.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert environment.run("up") == (1, "error: another make up, plane or down is at work: wait for it\n")


def test_the_demo_tells_its_story_in_under_60_plain_lines() -> None:
    demo = [sys.executable, "-m", "tools.dev", "demo"]
    ended = subprocess.run(demo, capture_output=True, text=True, timeout=90, check=False)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) < 60
    assert "\x1b" not in ended.stdout
    for part in (
        "namespace/payments condition met",
        '"kube-payments" is reserved',
        'try platform/tier: "large"',
        "repaired: the quota was gone for at most",
        "pods:100",
        "201 {",
        "Everything is stopped again",
    ):
        assert part in ended.stdout
