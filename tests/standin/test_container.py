"""A box lets its command do what a container may, and no more."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standin.support import until
from tools.controlplane import lifeline, proc
from tools.standin import container
from tools.standin.container import Mount

USER = 54321
PATH = f"{sys.prefix}/bin:/usr/bin:/bin"
UNPRIVILEGED = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of the tests."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        for name in ("root", "given"):
            (Path(made) / name).mkdir()
        yield Path(made)


def _boxed(
    place: Path, *argv: str, mounts: dict[str, Mount | Path] | None = None, **options: Any
) -> list[str]:
    user = {"uid": USER, "gid": USER} | options
    return container.command(argv, root=place / "root", mounts=mounts or {}, **user)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env={"PATH": PATH, "WORD": "x"}, capture_output=True, text=True)


def _says(place: Path, script: str, **options: Any) -> str:
    done = _run(_boxed(place, "sh", "-c", script, **options))
    return done.stdout + done.stderr


def test_the_product_runs_in_it(place: Path) -> None:
    done = _run(_boxed(place, "nsp", "--version"))
    assert done.stdout.startswith("nsp, version ")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("id -u; id -g; id -G", f"{USER}\n{USER}\n{USER} 7\n", id="its user, group and groups"),
        pytest.param("pwd; ls -d /home /var /sys /boot 2>/dev/null", "/\n", id="nobody's homes"),
        pytest.param("echo $WORD $HOME", "x\n", id="no variables but its own"),
        pytest.param("grep -c '^Cap.*:.*[1-9a-f]' /proc/self/status", "0\n", id="no capabilities"),
        pytest.param("grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n", id="and no way to gain some"),
        pytest.param("echo hello > /dev/null; head -c 2 /dev/zero | wc -c", "2\n", id="devices"),
        pytest.param("ls /dev | grep -c -e mem -e vda", "0\n", id="only harmless ones"),
    ],
)
def test_what_it_sees_of_itself(place: Path, script: str, said: str) -> None:
    assert os.geteuid() == 0, "only root can become another user: run this test as root"
    assert _says(place, script, groups=[7]) == said


@pytest.mark.parametrize("path", ["/file", "/tmp/file", "/usr/file", "/etc/file", "/given/file"])
def test_nothing_can_be_written_to_a_read_only_root(place: Path, path: str) -> None:
    (place / "given").chmod(0o777)
    said = _says(place, f"touch {path}", mounts={"/given": place / "given"})
    assert said == f"touch: cannot touch '{path}': Read-only file system\n"


def test_the_root_can_be_written_where_that_is_allowed_but_not_the_hosts_programs(place: Path) -> None:
    done = _says(place, "touch /file /tmp/file && ls /file; touch /usr/file", uid=0, gid=0, read_only=False)
    assert done == "/file\ntouch: cannot touch '/usr/file': Read-only file system\n"
    assert not list((place / "root").iterdir())


def test_what_is_mounted_is_there_for_reading_or_writing(place: Path) -> None:
    (place / "given").chmod(0o777)
    (place / "word").write_text("sesame")
    mounts = {"/var/deep/given": Mount(place / "given"), "/etc/word": place / "word"}
    assert _says(place, "cat /etc/word; echo 1 > /var/deep/given/made", mounts=mounts) == "sesame"
    assert (place / "given" / "made").read_text() == "1\n"


def test_the_repository_is_not_there_but_for_the_package(place: Path) -> None:
    checkout = Path(container.__file__).parents[2]
    if not (checkout / "webhook").exists():
        pytest.fail("the package is not beside the tools")
    seen = _says(place, f"ls {checkout}; ls {checkout}/tools")
    assert "webhook\n" in seen
    assert f"cannot access '{checkout}/tools'" in seen


def test_only_the_trees_that_are_given_are_there(place: Path) -> None:
    assert _run(_boxed(place, "nsp", trees=[])).returncode == 127
    assert _run(_boxed(place, "ls", "/given", trees=[place / "given"])).returncode == 2


def test_a_command_that_cannot_be_executed_is_named(place: Path) -> None:
    done = _run(_boxed(place, "no-such-command"))
    assert done.stderr == "cannot execute no-such-command: No such file or directory\n"
    assert done.returncode == 127


def test_a_mount_that_is_not_there_is_named(place: Path) -> None:
    done = _run(_boxed(place, "true", mounts={"/it": place / "none"}))
    assert done.stderr == f"no box: mount {place}/none at {place}/root/it: No such file or directory\n"
    assert done.returncode == 1


def test_the_host_sees_no_mount(place: Path) -> None:
    with subprocess.Popen(_boxed(place, "cat"), stdin=subprocess.PIPE, env={"PATH": PATH}) as running:
        until(lambda: Path(f"/proc/{running.pid}/comm").read_text() == "cat\n", "the command")
        assert str(place) not in Path("/proc/self/mounts").read_text()
        running.communicate()


def test_it_dies_with_whoever_started_it(place: Path, tmp_path: Path) -> None:
    boxed = _boxed(place, "sh", "-c", "while :; do sleep 0.05; done", uid=USER)
    code = f"import subprocess; print(subprocess.Popen({lifeline_of(boxed)}).pid, flush=True); input()"
    starter = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": PATH}
    )
    with starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sh\n", "the command")
        starter.send_signal(signal.SIGKILL)
    until(lambda: not proc.running(pid), "the command to be gone")


def lifeline_of(boxed: list[str]) -> str:
    """As an expression for another Python, whose pid is to be watched."""
    tied = [repr(word) for word in lifeline.tied(boxed)]
    tied[tied.index(repr(str(os.getpid())))] = "str(__import__('os').getpid())"
    return f"[{', '.join(tied)}]"


def test_without_roots_rights_it_is_the_wanted_user_by_another_number(place: Path) -> None:
    """A user namespace; /usr/bin/python3 stands for one that everybody may execute."""
    assert os.geteuid() == 0, "only root can become another user: run this test as root"
    box = Path(container.__file__).with_name("box.py")
    readable = place / "box.py"
    readable.write_text(box.read_text())
    os.chown(place / "given", UNPRIVILEGED, UNPRIVILEGED)
    script = "id -u; id -g; touch /given/it && touch /file"
    boxed = _boxed(place, "sh", "-c", script, mounts={"/given": Mount(place / "given")}, trees=[])
    command = ["/usr/bin/python3", "-I", "-S", str(readable), boxed[-1]]
    user = f"--reuid={UNPRIVILEGED}"
    done = _run(["setpriv", user, f"--regid={UNPRIVILEGED}", "--clear-groups", *command])
    assert done.stdout == f"{USER}\n{USER}\n"
    assert done.stderr == "touch: cannot touch '/file': Read-only file system\n"
    assert (place / "given" / "it").stat().st_uid == UNPRIVILEGED
