"""Replicas of the admission role as processes: start, readiness, SIGTERM, SIGKILL."""

import itertools
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tools.controlplane import waiting
from tools.controlplane.process import Process, child_environment
from tools.dev.product import nsp

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30.0


@dataclass(slots=True)
class Replica:
    """`address` and `health` are HOST:PORT, known once it listens."""

    process: Process
    address: str = ""
    health: str = ""
    stopping_at: float = 0.0
    """When it was told to end (monotonic)."""

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of the side port; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.health}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, sample: str) -> float:
        """One sample of /metrics by its full name; 0 when it is not there yet."""
        lines = self.get("/metrics")[1].splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{sample} ")), 0.0)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self.stopping_at = time.monotonic()
        os.kill(self.process.pid, signal.SIGTERM)  # a child not waited for: the pid is still its own

    def kill(self) -> None:
        """SIGKILL; returns when the kernel has closed its connections, which takes some milliseconds."""
        self.stopping_at = time.monotonic()
        self.process.stop(grace=0)


class Fleet:
    """Use as a context manager: nothing of it outlives the block.

    `certificates` holds tls.crt and tls.key; logs go to `folder`. `flags` are given to `nsp serve`, and
    `command` is what runs it (default: nsp as installed).
    """

    def __init__(
        self, folder: Path, *, certificates: Path, flags: Sequence[str] = (), command: Sequence[str] = ()
    ) -> None:
        self.serving: list[Replica] = []
        self._every: list[Replica] = []
        self._folder = folder
        self._certificates = certificates
        self._flags = flags
        self._command = command or (nsp(),)
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for replica in self._every:
            replica.process.stop(grace=0)

    @property
    def endpoints(self) -> list[str]:
        """Who is ready, as a Service would list them."""
        return [replica.address for replica in self.serving]

    def add(self, count: int = 1) -> None:
        """Start so many more and wait until they are ready."""
        for replica in [self._spawn() for _ in range(count)]:
            self._wait_until_ready(replica)
            self.serving.append(replica)

    def retire(self, replica: Replica) -> None:
        """SIGTERM: from now on it is no endpoint any more, but it has to drain."""
        self.serving.remove(replica)
        replica.terminate()

    def kill(self, replica: Replica) -> None:
        self.serving.remove(replica)
        replica.kill()

    def _spawn(self) -> Replica:
        name = f"admission-{next(self._numbers)}"
        log = self._folder / f"{name}.log"
        process = Process.spawn(name, self._argv(), log=log, env=environment(), cwd=ROOT)
        replica = Replica(process)
        self._every.append(replica)
        return replica

    def _wait_until_ready(self, replica: Replica) -> None:
        process = replica.process

        def until(condition: Callable[[], bool], what: str) -> None:
            waiting.until(condition, f"{process.name} to {what}", [process], limit=READY_SECONDS)

        until(lambda: len(listening(process.log)) == 2, "listen")
        found = listening(process.log)
        replica.address, replica.health = found["admission"], found["health"]
        until(lambda: replica.get("/readyz")[0] == 200, "be ready")

    def _argv(self) -> list[str]:
        return [
            *self._command,
            *("serve", "--role", "admission"),
            *("--tls-cert", str(self._certificates / "tls.crt")),
            *("--tls-key", str(self._certificates / "tls.key")),
            *("--admission-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"),
            *self._flags,
        ]


def environment() -> dict[str, str]:
    """For `nsp serve`: what a developer has set for it does not count."""
    return {name: value for name, value in child_environment().items() if not name.startswith("NSP_")}


def listening(log: Path) -> dict[str, str]:
    """Role to HOST:PORT, from what a process has logged."""
    found = {}
    for line in log.read_bytes().splitlines():
        entry: Any = json.loads(line) if line.startswith(b"{") and line.endswith(b"}") else {}
        if entry.get("message") == "listening":
            found[entry["role"]] = entry["address"]
    return found
