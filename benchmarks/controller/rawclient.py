"""Starts the raw client and gives it its work."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tools.controlplane import lifeline
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.process import child_environment

_REPOSITORY = Path(__file__).resolve().parents[2]


class RawClient:
    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin = stdin
        self._stdout = stdout

    def write(self, names: Sequence[str]) -> float:
        """Write the bundle and the status of each of these namespaces; the seconds that took."""
        self._stdin.write(json.dumps(names).encode() + b"\n")
        self._stdin.flush()
        return float(self._line())

    def _line(self) -> bytes:
        line = self._stdout.readline()
        if not line:
            raise ControlPlaneError("the raw client has ended; what it said is above")
        return line


@contextmanager
def connected(kubeconfig: Path) -> Iterator[RawClient]:
    """The client with its connections open."""
    command = [sys.executable, "-m", "benchmarks.controller.rawwrites", str(kubeconfig)]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with lifeline.popen(command, env=child_environment(), cwd=_REPOSITORY, **options) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        client = RawClient(child.stdin, child.stdout)
        try:
            client._line()
            yield client
        finally:
            child.kill()
