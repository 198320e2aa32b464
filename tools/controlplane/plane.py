"""A real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager.

    with ControlPlane.start() as plane:
        plane.kubectl("get", "namespaces")

A plane ends with the process that started it, however that ends, unless it is `detached`; then it
is found again with `ControlPlane.attach(directory)`.
"""

import atexit
import os
import secrets
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.controlplane import assets as binaries
from tools.controlplane import (
    certmanager,
    commands,
    credentials,
    folders,
    ports,
    proc,
    readiness,
    recipe,
    waiting,
)
from tools.controlplane.api import Api
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.layout import Layout
from tools.controlplane.process import Process, child_environment
from tools.controlplane.state import State


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    name: str
    pid: int
    port: int | None
    log: Path
    rss_bytes: int  # 0: it has ended


class ControlPlane:
    def __init__(
        self, layout: Layout, token: str, nonce: str, *, detached: bool, temporary: bool = False
    ) -> None:
        self.url = layout.url
        self.ca_file = layout.ca_file
        self.kubeconfig = layout.kubeconfig
        self.directory = layout.directory
        self.logs = layout.logs
        self.audit_log = layout.audit_log
        self.bin_dir = layout.bin_dir
        self.admin_token = token
        self.api = Api(layout, token)
        self._layout = layout
        self._nonce = nonce
        self._detached = detached
        self._temporary = temporary
        self._stopped = False
        self._processes: dict[str, Process] = {}
        self._reservations = ExitStack()
        self._owner = proc.identify(os.getpid())

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        *,
        detached: bool = False,
        audit: bool = False,
        audited: Sequence[str] = (),
        feature_gates: str = "",
        apiserver_port: int | None = None,
        assets: Path | None = None,
    ) -> Self:
        """Start a plane and wait until it is ready.

        `directory` keeps the logs (default: a temporary folder, removed on stop); `detached` lets the
        plane outlive this process; `audit` writes who did what to `audit_log`, of the users `audited` or
        of everybody; `feature_gates` are the API server's, as in "WatchList=false"; `assets` is a folder
        of ready binaries (default: built and cached).
        """
        if detached and directory is None:
            raise ControlPlaneError("a detached plane needs a directory, by which it is found again")
        bin_dir = binaries.check(assets, recipe.PLANE) if assets else binaries.ensure(recipe.PLANE)
        with ExitStack() as held:
            reserved = [held.enter_context(ports.reserve(wanted)) for wanted in (apiserver_port, *3 * [None])]
            apiserver, etcd, peer, controller = (reservation.port for reservation in reserved)
            folder = folders.prepare(directory) if directory else folders.temporary()
            layout = Layout(folder, bin_dir, etcd, peer, apiserver, controller, audit, feature_gates)
            plane = cls(layout, _secret(), _secret(), detached=detached, temporary=directory is None)
            plane._reservations = held.pop_all()
        try:
            plane._boot(audited)
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """The plane that runs in `directory`, started by another process."""
        state = State.load(directory.absolute())
        if state is None or not any(process.alive() for process in state.processes):
            raise ControlPlaneError(f"no control plane runs in {directory}: start one there")
        plane = cls(state.layout, state.token, state.nonce, detached=True)
        plane._owner = state.owner
        plane._processes = {process.name: process for process in state.processes}
        return plane

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<ControlPlane {self.url} in {self.directory}>"

    def processes(self) -> list[ProcessInfo]:
        """In the order of their start."""
        every = self._processes.values()
        return [ProcessInfo(each.name, each.pid, each.port, each.log, each.rss()) for each in every]

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """The output of kubectl as cluster administrator; an error carries its own words."""
        flags = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self._layout.file('kubectl-cache')}"]
        command = [str(self.bin_dir / "kubectl"), *flags, *arguments]
        result = subprocess.run(command, input=stdin, env=child_environment(), capture_output=True, text=True)
        if result.returncode:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout

    def write_kubeconfig(self, path: Path, token: str) -> None:
        """A kubeconfig for whom `token` is of; only its owner can read it."""
        credentials.write_kubeconfig(self._layout, path, token)

    def counters(self) -> dict[tuple[str, str], int]:
        """Requests the API server has served by (verb, resource), as in ("APPLY", "namespaces")."""
        return self.api.counters()

    def wait_ready(self) -> None:
        layout, api = self._layout, self.api
        self._until(lambda: readiness.etcd_healthy(layout), "etcd to be healthy")
        self._until(lambda: readiness.apiserver_ready(api), "the API server to be ready")
        self._until(lambda: readiness.controllers_healthy(layout), "the controllers to be healthy")
        self._until(lambda: readiness.roles_aggregated(api), "ClusterRole admin to have rules")
        self._until(lambda: readiness.default_account_exists(api), "the default ServiceAccount")

    def watch(self) -> None:
        """Return never; raise when a process ends."""
        waiting.forever(self._processes.values())

    def restart_apiserver(self) -> None:
        """A real loss of all connections and of the watch cache; the data stays."""
        self.kill("kube-apiserver")
        self._spawn("kube-apiserver", self._layout.apiserver_port)
        self.wait_ready()
        readiness.require_identity(self.api, self._nonce)
        self._save()

    def pause(self, name: str) -> None:
        """Freeze a process (SIGSTOP): its connections stay open and nothing is answered."""
        self._process(name).pause()

    def resume(self, name: str) -> None:
        self._process(name).resume()

    def kill(self, name: str) -> None:
        self._process(name).stop(grace=0)

    def start_cert_manager(self) -> None:
        """Install cert-manager's CRDs and run its controllers and CA injector as a further child."""
        bin_dir = binaries.ensure(("cert-manager",))
        crds = str(binaries.crds(bin_dir))
        self.kubectl("apply", "--server-side", "-f", crds)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", crds)
        self.kubectl("apply", "--server-side", "-f", "-", stdin=certmanager.namespace())
        self._run("cert-manager", [str(bin_dir / "cert-manager"), f"--kubeconfig={self.kubeconfig}"])
        self._until(lambda: certmanager.works(self.api), "cert-manager to work")
        self._save()

    def stop(self) -> None:
        """End everything; remove the temporary folder, or all but the logs from a given one."""
        atexit.unregister(self._stop_at_exit)
        if self._stopped:
            return
        folders.end(self._processes.values())
        self._reservations.close()
        left = State.load(self.directory)
        if left is None or left.nonce == self._nonce:  # else another plane has taken the folder since
            folders.remove(self.directory, keep_logs=not self._temporary)
        self._stopped = True

    def _boot(self, audited: Sequence[str]) -> None:
        layout, controller = self._layout, _secret()
        if not self._detached:
            atexit.register(self._stop_at_exit, os.getpid())
        layout.logs.mkdir(exist_ok=True)
        credentials.write_all(layout, admin=self.admin_token, controller=controller, audited=audited)
        self._spawn("etcd", layout.etcd_port)
        self._until(lambda: readiness.etcd_healthy(layout), "etcd to be healthy")
        self._spawn("kube-apiserver", layout.apiserver_port)
        self._until(lambda: readiness.apiserver_listens(layout), "the API server to listen")
        readiness.adopt_authority(layout, admin=self.admin_token, controller=controller)
        self._until(lambda: readiness.apiserver_ready(self.api), "the API server to be ready")
        self._until(
            lambda: readiness.leave_identity(self.api, self._nonce), "the plane's mark to be accepted"
        )
        self._spawn("kube-controller-manager", layout.controller_port)
        self.wait_ready()
        if self._detached:
            self._owner = None
        self._save()

    def _spawn(self, name: str, port: int) -> None:
        self._run(name, commands.TABLE[name](self._layout), port)

    def _run(self, name: str, argv: list[str], port: int | None = None) -> None:
        log = self.logs / f"{name}.log"
        self._processes[name] = Process.spawn(name, argv, log=log, detached=self._detached, port=port)
        self._save()

    def _process(self, name: str) -> Process:
        if name not in self._processes:
            raise ControlPlaneError(f"no process {name} here: choose from {', '.join(self._processes)}")
        return self._processes[name]

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        waiting.until(condition, what, self._processes.values())

    def _save(self) -> None:
        processes = tuple(self._processes.values())
        State(self._layout, self.admin_token, self._nonce, self._owner, processes).save()

    def _stop_at_exit(self, pid: int) -> None:
        if pid == os.getpid():  # a fork of this process inherits the hook, not the plane
            self.stop()


def _secret() -> str:
    return secrets.token_hex(16)
