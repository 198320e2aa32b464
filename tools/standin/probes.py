"""Probes: what is asked of a container, and what its answers in a row mean."""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Literal

from tools.standin.environment import Manifest

Verdict = Literal["unknown", "good", "bad"]
Exec = Callable[[list[str], float], str]
"""Runs a command in the container within some seconds: "" or why it failed."""

KINDS = ("startupProbe", "readinessProbe", "livenessProbe")
_AGENT = {"User-Agent": "kube-probe/1.36", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Probe:
    action: Mapping[str, Any]
    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int

    @classmethod
    def of(cls, spec: Manifest) -> "Probe":
        return cls(
            spec,
            spec.get("initialDelaySeconds", 0),
            spec.get("periodSeconds", 10),
            spec.get("timeoutSeconds", 1),
            spec.get("successThreshold", 1),
            spec.get("failureThreshold", 3),
        )


class Tally:
    """Counts answers in a row; the verdict changes when one threshold is reached, never in between."""

    def __init__(self, probe: Probe) -> None:
        self.verdict: Verdict = "unknown"
        self._probe = probe
        self._last, self._run = "", 0

    def record(self, good: bool) -> None:
        answer: Verdict = "good" if good else "bad"
        self._run = self._run + 1 if answer == self._last else 1
        self._last = answer
        if self._run >= (self._probe.successes if good else self._probe.failures):
            self.verdict = answer


class Prober:
    """Asks when it is time, in another thread, so that a container that hangs holds up nothing else."""

    def __init__(self, probe: Probe, ask: Callable[[], str], executor: Executor, started: float) -> None:
        self._probe, self._ask, self._executor = probe, ask, executor
        self._tally = Tally(probe)
        self._next = started + probe.initial_delay
        self._asked: Future[str] | None = None
        self.trouble = ""
        """What the last answer that was none said."""

    def step(self, now: float) -> Verdict:
        if self._asked is not None and self._asked.done():
            self.trouble = self._asked.result()
            self._tally.record(not self.trouble)
            self._asked = None
        if self._asked is None and now >= self._next:
            self._next = now + self._probe.period
            self._asked = self._executor.submit(self._ask)
        return self._tally.verdict


def ask(probe: Probe, address: str, ports: Mapping[str, int], execute: Exec) -> str:
    """Once: "" for good, else why not."""
    action = probe.action
    try:
        if "httpGet" in action:
            return _http(action["httpGet"], address, ports, probe.timeout)
        if "tcpSocket" in action:
            target = action["tcpSocket"]
            where = (target.get("host") or address, number(target["port"], ports))
            socket.create_connection(where, probe.timeout).close()
            return ""
        if "exec" in action:
            return execute(action["exec"]["command"], probe.timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "the stand-in has no such probe: httpGet, tcpSocket or exec"


def number(port: int | str, ports: Mapping[str, int]) -> int:
    """A port by number or by the name that the container gives it. Raises ValueError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    if port not in ports:
        raise ValueError(f"no port is called {port}")
    return ports[port]


def _http(get: Manifest, address: str, ports: Mapping[str, int], timeout: float) -> str:
    host, port = get.get("host") or address, number(get["port"], ports)
    if get.get("scheme", "HTTP").upper() == "HTTPS":
        context = ssl._create_unverified_context()  # noqa: S323 - a kubelet does not verify either
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    headers = _AGENT | {each["name"]: each["value"] for each in get.get("httpHeaders") or []}
    try:
        connection.request("GET", get.get("path", "/"), headers=headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    return "" if 200 <= status < 400 else f"HTTP status {status}"
