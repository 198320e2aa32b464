"""A stand-in in a process of its own: found again, and gone with all its Pods however it ends."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.standin.support import pod, until
from tools.controlplane import proc
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from tools.standin import background, cli, scheduler

FOREVER = "trap '' TERM; while :; do sleep 0.05; done"


def _pod_process(directory: Path) -> int:
    """The pid that the container has said in its log."""
    log = directory / "logs" / "lasting.log"
    until(lambda: log.exists() and log.read_text().strip(), "the pod to run")
    return int(log.read_text().split()[-1])


Start = Callable[..., Process]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "standin"


@pytest.fixture
def start() -> Iterator[Start]:
    """Whatever a test leaves running is ended."""
    started: list[Process] = []

    def begin(plane: ControlPlane, directory: Path, *, namespaces: list[str]) -> Process:
        started.append(background.start(plane, directory, namespaces=namespaces))
        return started[-1]

    yield begin
    for process in started:
        process.stop()


@pytest.fixture
def namespace(own_plane: ControlPlane, name: str) -> str:
    own_plane.kubectl("create", "namespace", name)
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    until(lambda: own_plane.api.get(account).status == 200, "the default account")
    manifest = json.dumps(pod("lasting", "echo $$$$; " + FOREVER))
    own_plane.kubectl("create", "-n", name, "-f", "-", stdin=manifest)
    return name


def test_it_serves_until_it_is_stopped(
    start: Start, own_plane: ControlPlane, directory: Path, namespace: str
) -> None:
    started = start(own_plane, directory, namespaces=[namespace])
    pid = _pod_process(directory)
    found = background.known(directory)
    assert found is not None
    assert found.pid == started.pid == scheduler.owner(own_plane.api)
    assert background.stop(directory)
    until(lambda: not started.alive(), "the stand-in to be gone")
    assert not proc.running(pid)
    assert not (directory / "pods").exists()
    assert scheduler.owner(own_plane.api) is None
    assert not background.stop(directory)


def test_killed_it_takes_its_pods_along_and_the_next_one_takes_over(
    start: Start, own_plane: ControlPlane, directory: Path, namespace: str
) -> None:
    started = start(own_plane, directory, namespaces=[namespace])
    pid = _pod_process(directory)
    started._signal(signal.SIGKILL)
    until(lambda: not proc.running(pid), "the pod to be gone")
    until(lambda: background.known(directory) is None, "the stand-in to be gone")
    following = start(own_plane, directory, namespaces=[namespace])
    until(lambda: _pod_process(directory) != pid, "the pod to run again")
    assert following.alive()


def test_a_start_that_fails_says_why(
    start: Start, own_plane: ControlPlane, directory: Path, namespace: str
) -> None:
    start(own_plane, directory, namespaces=[namespace])
    with pytest.raises(ControlPlaneError, match="another stand-in"):
        background.start(own_plane, directory / "two", namespaces=[namespace])


def test_without_a_plane_there_is_nothing_to_serve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([f"--plane={tmp_path}", f"--directory={tmp_path}", "--namespace=x"]) == 1
    assert f"error: no control plane runs in {tmp_path}" in capsys.readouterr().err
