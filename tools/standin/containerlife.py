"""One container of a Pod: started, probed, started again when it ends, and ended."""

import subprocess
import time
import uuid
from concurrent.futures import Future

from tools.controlplane import lifeline
from tools.controlplane.process import Process, tail
from tools.standin import launch, probes, status
from tools.standin.environment import Manifest
from tools.standin.errors import NotYetError
from tools.standin.launch import Surroundings
from tools.standin.probes import Probe, Prober

_RETRY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS, _FORGOTTEN_AFTER_SECONDS = 10.0, 60.0


class ContainerLife:
    def __init__(self, spec: Manifest, surroundings: Surroundings, restarts: int = 0) -> None:
        self.spec, self._around = spec, surroundings
        self.state = status.ContainerState(spec["name"], spec["image"], restarts=restarts)
        self.process: Process | None = None
        self._start_at, self._began, self._delay = 0.0, 0.0, 0.0
        self._began_at = 0.0
        self._probers: dict[str, Prober] = {}
        self._ending: Future[None] | None = None
        self._over = False

    def step(self) -> None:
        """Bring it on by what has become due."""
        if self._over:
            return
        now = time.monotonic()
        if self.process is None:
            if now >= self._start_at:
                self._try_to_start(now)
        elif not self.process.alive():
            self._ended(now)
        elif self._ending is None:
            self._probe(now)

    def end(self, grace: float) -> None:
        """For good: what its preStop says, SIGTERM, and SIGKILL when the grace is over; returns then."""
        self._over, self.state.ready = True, False
        process, deadline = self.process, time.monotonic() + grace
        if process is None:
            return
        if process.alive():
            self._before_stop(process, grace)
            process.stop(max(deadline - time.monotonic(), 0.01) if grace else 0)
        self._close(process)

    def kill(self) -> None:
        """At once, whatever else is being done about it."""
        self._over = True
        if self.process is not None:
            self.process.stop(grace=0)

    def problem(self) -> str:
        """Why it does not run or serve, in words; empty when it does."""
        waiting = self.state.state.get("waiting")
        if waiting:
            said = tail(self._around.log, 1) if self.state.last else ""
            return f"{waiting['reason']}: {waiting['message']} {said}".strip() if "message" in waiting else ""
        troubles = (f"{kind}: {prober.trouble}" for kind, prober in self._probers.items() if prober.trouble)
        return "" if self._over else "; ".join(troubles)

    def _try_to_start(self, now: float) -> None:
        try:
            argv, values = launch.command(self.spec, self._around)
        except NotYetError as error:
            self.state.state = status.waiting(error.reason, str(error))
            self._start_at = now + _RETRY_SECONDS
            return
        self._around.root.mkdir(parents=True, exist_ok=True)
        self.process = Process.spawn(self.spec["name"], argv, log=self._around.log, env=values)
        self._began, self._began_at = now, self._around.clock()
        self.state.identity = f"standin://{uuid.uuid4().hex}"
        self.state.state = status.running(self._began_at)
        self.state.restarts += bool(self.state.last)
        self._probers = {kind: self._prober(kind, now) for kind in probes.KINDS if self.spec.get(kind)}
        self._probe(now)

    def _ended(self, now: float) -> None:
        assert self.process is not None
        code = self._close(self.process)
        self.process, self._ending = None, None
        policy = self._around.pod["spec"].get("restartPolicy", "Always")
        if policy == "Never" or (policy == "OnFailure" and code == 0):
            self._over = True
            return
        lived = now - self._began
        self._delay = (
            1.0 if lived > _FORGOTTEN_AFTER_SECONDS else min(self._delay * 2 or 1.0, _LONGEST_DELAY_SECONDS)
        )
        self._start_at = now + self._delay
        self.state.last = self.state.state
        text = f"back-off {self._delay:.0f}s restarting failed container={self.spec['name']}"
        self.state.state = status.waiting("CrashLoopBackOff", text)

    def _close(self, process: Process) -> int:
        """Its exit code as a shell tells it. What it left of its group goes, too."""
        process.stop(grace=0)
        code = process.exit_code() or 0
        code = 128 - code if code < 0 else code
        times = (self._began_at, self._around.clock())
        self.state.state = status.terminated(code, *times, self.state.identity)
        self.state.ready = self.state.started = False
        return code

    def _probe(self, now: float) -> None:
        """Until it has started up, nothing else is asked of it."""
        if self._verdict("startupProbe", now) == "bad":
            self._restart("startupProbe")
        self.state.started = "startupProbe" not in self._probers or (
            self._verdict("startupProbe", now) == "good"
        )
        if not self.state.started:
            return
        ready = "readinessProbe" not in self._probers or self._verdict("readinessProbe", now) == "good"
        self.state.ready = ready
        if self._verdict("livenessProbe", now) == "bad":
            self._restart("livenessProbe")

    def _verdict(self, kind: str, now: float) -> probes.Verdict:
        """A start-up that has succeeded is not asked again."""
        prober = self._probers.get(kind)
        if prober is None:
            return "unknown"
        if kind == "startupProbe" and self.state.started:
            return "good"
        return prober.step(now)

    def _restart(self, kind: str) -> None:
        """In another thread: it may use up its grace."""
        assert self.process is not None
        probe_grace = self.spec[kind].get("terminationGracePeriodSeconds")
        grace = probe_grace or self._around.pod["spec"].get("terminationGracePeriodSeconds", 30)
        self.state.ready = False
        self._ending = self._around.executor.submit(self.process.stop, grace)

    def _prober(self, kind: str, now: float) -> Prober:
        probe = Probe.of(self.spec[kind])
        ports = {
            each["name"]: each["containerPort"] for each in self.spec.get("ports") or [] if "name" in each
        }

        def ask() -> str:
            return probes.ask(probe, self._around.ip, ports, self._execute)

        return Prober(probe, ask, self._around.executor, now)

    def _before_stop(self, process: Process, grace: float) -> None:
        hook = (self.spec.get("lifecycle") or {}).get("preStop") or {}
        deadline = time.monotonic() + grace
        if "exec" in hook:
            self._execute(hook["exec"]["command"], grace)
        elif "sleep" in hook:
            deadline = min(deadline, time.monotonic() + hook["sleep"]["seconds"])
            while process.alive() and time.monotonic() < deadline:
                time.sleep(0.02)

    def _execute(self, command: list[str], timeout: float) -> str:
        """In a box of its own that is made like the container's: "" or why it failed."""
        try:
            argv, values = launch.command(self.spec, self._around, command)
            done = subprocess.run(
                lifeline.tied(argv), env=values, timeout=timeout, capture_output=True, text=True, check=False
            )
        except subprocess.TimeoutExpired:
            return f"{command[0]}: not within {timeout} s"
        except NotYetError as error:
            return str(error)
        return "" if done.returncode == 0 else f"{command[0]} ended with code {done.returncode}"
