"""One child process: how it is found again, and that no stranger is ever hurt."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.controlplane.support import Eventually, Python
from tools.controlplane import credentials, folders, ports, proc, state
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.layout import Layout
from tools.controlplane.process import Process, child_environment

SLEEP = ["sleep", "1000"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "child.log"


def test_a_child_is_alive_until_it_is_stopped(log: Path) -> None:
    child = Process.spawn("sleeper", SLEEP, log=log)
    assert child.alive()
    assert child.exit_code() is None
    assert child.rss() > 0
    child.stop()
    child.stop()
    assert not child.alive()
    assert child.exit_code() == -signal.SIGTERM
    assert child.rss() == 0


def test_a_child_that_ignores_the_polite_signal_is_killed_after_the_grace(
    log: Path, eventually: Eventually
) -> None:
    child = Process.spawn("stubborn", ["sh", "-c", "trap '' TERM; echo up; sleep 1000"], log=log)
    eventually(lambda: child.tail() == "up", "the trap is set")
    child.stop(grace=0.1)
    assert child.exit_code() == -signal.SIGKILL


def test_stopping_ends_what_the_child_started_too(log: Path, eventually: Eventually) -> None:
    child = Process.spawn("family", ["sh", "-c", "sleep 1000 & echo $!; wait"], log=log)
    eventually(child.tail, "the grandchild's pid is logged")
    child.stop()
    eventually(lambda: not proc.running(int(child.tail())), "the grandchild is gone")


def test_output_is_appended_and_the_tail_is_its_last_lines(log: Path, eventually: Eventually) -> None:
    log.write_text("before\n")
    child = Process.spawn("counter", ["seq", "100"], log=log)
    eventually(lambda: not child.alive(), "the command has ended")
    assert child.exit_code() == 0
    assert log.read_text().startswith("before\n1\n")
    assert child.tail(2) == "99\n100"


def test_children_see_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    environment = child_environment()
    assert not any("proxy" in name.lower() for name in environment)
    assert environment["GOMAXPROCS"] == "2"


def test_a_command_that_does_not_exist_is_named(log: Path) -> None:
    with pytest.raises(ControlPlaneError, match="cannot start ghost: /no/such/thing is no executable file"):
        Process.spawn("ghost", ["/no/such/thing"], log=log)


def test_a_child_outlives_the_thread_that_asked_for_it(log: Path) -> None:
    children: list[Process] = []
    thread = threading.Thread(target=lambda: children.append(Process.spawn("sleeper", SLEEP, log=log)))
    thread.start()
    thread.join()
    with pytest.raises(subprocess.TimeoutExpired):  # it ends as soon as the child does
        subprocess.run(["tail", "--follow", "--quiet", f"--pid={children[0].pid}", os.devnull], timeout=0.3)
    children[0].stop()


def test_a_detached_child_is_found_again_through_its_state(log: Path) -> None:
    child = Process.spawn("sleeper", SLEEP, log=log, detached=True, port=7)
    again = Process.from_state(json.loads(json.dumps(child.to_state())))
    assert (again.alive(), again.port, again.log) == (True, 7, log)
    again.stop()
    deadline = time.monotonic() + 10  # it has no executable any more a moment before it can be waited for
    while child.alive() and time.monotonic() < deadline:
        pass
    assert not child.alive()
    child.stop()


@pytest.mark.parametrize(("field", "other"), [("started", "other-boot:1"), ("executable", "/usr/bin/other")])
def test_a_pid_that_was_given_to_another_process_is_left_alone(log: Path, field: str, other: str) -> None:
    child = Process.spawn("sleeper", SLEEP, log=log, detached=True)
    stranger = Process.from_state({**child.to_state(), field: other})
    assert not stranger.alive()
    stranger.stop(grace=0)
    assert child.alive()
    child.stop(grace=0)


def test_a_reserved_port_can_be_served_but_not_taken() -> None:
    with ports.reserve() as reservation, socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind((ports.HOST, reservation.port))
        server.listen()
        for _ in range(30):
            socket.create_connection((ports.HOST, reservation.port)).close()
        with pytest.raises(ControlPlaneError, match=f"port {reservation.port} on 127.0.0.1 is taken"):
            ports.reserve(reservation.port)


def _leftover(directory: Path, *, owner: proc.Identity | None) -> Process:
    """A folder as a killed harness leaves it, with one child that survived."""
    layout = Layout(directory, directory, 1, 2, 3, 4, audit=False)
    survivor = Process.spawn("survivor", SLEEP, log=directory / "log", detached=True)
    state.State(layout, "token", "nonce", owner, (survivor,)).save()
    return survivor


def _gone() -> proc.Identity:
    own = proc.identify(os.getpid())
    assert own
    return dataclasses.replace(own, started="another-boot:1")


def test_what_a_killed_run_left_in_a_folder_is_ended_and_removed_but_its_logs(tmp_path: Path) -> None:
    survivor = _leftover(tmp_path, owner=_gone())
    credentials.write_private(tmp_path / "tokens.csv", "secret")
    folders.prepare(tmp_path)
    assert not survivor.alive()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    survivor.stop()


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        pytest.param(proc.identify(os.getpid()), f"process {os.getpid()} runs a plane", id="its owner lives"),
        pytest.param(None, "a detached plane runs in", id="it is detached"),
    ],
)
def test_a_folder_in_use_is_refused(tmp_path: Path, owner: proc.Identity | None, said: str) -> None:
    survivor = _leftover(tmp_path, owner=owner)
    with pytest.raises(ControlPlaneError, match=said):
        folders.prepare(tmp_path)
    assert survivor.alive()
    survivor.stop()


def test_the_state_is_for_its_owner_only(tmp_path: Path) -> None:
    _leftover(tmp_path, owner=None).stop()
    assert (tmp_path / "plane.json").stat().st_mode & 0o777 == 0o600


def test_a_child_dies_with_a_killed_parent(python: Python, tmp_path: Path, eventually: Eventually) -> None:
    code = f"""
import sys, time
from pathlib import Path
from tools.controlplane.process import Process, child_environment
print(Process.spawn("sleeper", {SLEEP}, log=Path({str(tmp_path)!r}) / "log").pid, flush=True)
time.sleep(1000)
"""
    parent = python("-c", code)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert proc.running(pid)
    parent.kill()
    eventually(lambda: not proc.running(pid), "the child is gone")


def test_the_kernel_s_view_of_this_process() -> None:
    own = proc.identify(os.getpid())
    assert own
    assert own.alive()
    assert own.executable == os.path.realpath(sys.executable)
    assert proc.identify(2**22 + 1) is None
