"""Drives the load program: connections opened once, orders on its standard input."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.controlplane import lifeline
from tools.controlplane.errors import ControlPlaneError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one order has brought. `latencies` are in seconds, by body."""

    seconds: float
    latencies: list[list[float]]


class Load:
    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child

    def send(
        self, path: str, bodies: Sequence[Path], requests: int, *, rate: float = 0.0, token: str = ""
    ) -> Outcome:
        """POST each of `bodies` in turn until there were `requests`; any error answer is an error.

        `rate` is in requests a second, each sent when it is due; 0: each as soon as there is an answer.
        """
        order = {"path": path, "bodies": list(map(str, bodies)), "requests": requests, "rate": rate}
        return self._obeyed({**order, "token": token})

    def send_whole(self, requests: Sequence[Path]) -> Outcome:
        """Send each of these HTTP/1.1 requests once; any error answer is an error."""
        order = {"path": "several paths", "whole": True, "bodies": list(map(str, requests))}
        return self._obeyed({**order, "requests": len(requests)})

    def _obeyed(self, order: dict[str, Any]) -> Outcome:
        report = self._ask(order)
        if report["failed"]:
            tried = f"{order['requests']} requests to {order['path']}"
            raise ControlPlaneError(f"{report['failed']} of {tried} failed: {report['error']}")
        latencies = [[microseconds / 1e6 for microseconds in each or ()] for each in report["latencies"]]
        return Outcome(report["seconds"], latencies)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._child.stdin, self._child.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
        except (BrokenPipeError, ValueError):
            raise ControlPlaneError("the load program has ended; what it said is above") from None
        return answer


@contextmanager
def connected(programs: Path, address: str, ca_file: Path, connections: int) -> Iterator[Load]:
    """A client with so many connections to HOST:PORT, kept until the end."""
    flags = ["-address", address, "-ca", str(ca_file), "-connections", str(connections)]
    command = [str(programs / "load"), *flags]
    with lifeline.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            yield Load(child)
        finally:
            child.kill()
