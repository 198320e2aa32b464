"""Starts, watches and ends one child process; good for any server, not only the plane's own.

A child has its own session, so a Ctrl-C in the terminal does not reach it, and a log file. Unless
`detached` it dies with us, however we die. A `Process` read back from its state acts only while
pid, start time and executable all still match.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tools.controlplane import lifeline, proc
from tools.controlplane.errors import ControlPlaneError

_POLL_SECONDS = 0.01
# A proxy would be asked for loopback addresses too: the API server honours these for webhooks.
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


class Process:
    def __init__(
        self,
        name: str,
        pid: int,
        *,
        log: Path,
        port: int | None = None,
        identity: proc.Identity | None = None,
        child: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.name = name
        self.pid = pid
        self.log = log
        self.port = port
        self._identity = identity
        self._child = child

    @classmethod
    def spawn(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        detached: bool = False,
        port: int | None = None,
    ) -> Self:
        """Start a command; its output is appended to `log`. `env` replaces `child_environment()`."""
        environment = child_environment() if env is None else dict(env)
        if not shutil.which(argv[0], path=environment.get("PATH")):
            raise ControlPlaneError(f"cannot start {name}: {argv[0]} is no executable file")
        start = subprocess.Popen if detached else lifeline.popen
        try:
            with log.open("ab") as output:
                child = start(
                    list(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=cwd,
                    start_new_session=True,
                )
        except OSError as error:
            raise ControlPlaneError(f"cannot start {name}: {error}") from error
        return cls(name, child.pid, log=log, port=port, child=child)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        identity = proc.Identity(state["pid"], state["started"], state["executable"])
        return cls(state["name"], state["pid"], log=Path(state["log"]), port=state["port"], identity=identity)

    def to_state(self) -> dict[str, Any]:
        """What another process needs to find this one again; JSON-ready."""
        identity = self._identity or proc.identify(self.pid) or proc.Identity(self.pid, "", "")
        return {
            "name": self.name,
            "pid": self.pid,
            "started": identity.started,
            "executable": identity.executable,
            "log": str(self.log),
            "port": self.port,
        }

    def alive(self) -> bool:
        if self._child is None:
            return self._identity is not None and self._identity.alive()
        return self._child.returncode is None and not _ended(self._child.pid)

    def exit_code(self) -> int | None:
        """None while it runs, and for a process that was not started here."""
        return self._child.poll() if self._child and not self.alive() else None

    def rss(self) -> int:
        """Resident memory in bytes; 0 once it has ended."""
        return proc.rss(self.pid) if self.alive() else 0

    def tail(self, lines: int = 40) -> str:
        return tail(self.log, lines)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self, grace: float = 5.0) -> None:
        """SIGTERM, after `grace` seconds (0: at once) SIGKILL, to the whole group; harmless when ended."""
        if grace > 0:
            self._signal(signal.SIGTERM)
            self._wait(grace)
        self._signal(signal.SIGKILL)
        self._wait(10)
        if self._child is not None and self._child.returncode is None:
            self._signal_group(signal.SIGKILL)  # what the ended leader left of its group
            self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.alive():
            self._signal_group(number)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def child_environment() -> dict[str, str]:
    """Ours without proxies; two threads of Go each, since a plane shares small machines."""
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    return inherited | {"GOMAXPROCS": "2"}


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a file, cheap for a large one."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 32_768))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _ended(pid: int) -> bool:
    """Looks without reaping, so that the pid stays ours until the group has been signalled."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
