"""One Pod on the node, from its binding to its end, in a thread of its own."""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.standin import environment, hosts, status
from tools.standin.addresses import Addresses
from tools.standin.cluster import Cluster, said
from tools.standin.container import Mount
from tools.standin.containerlife import ContainerLife
from tools.standin.environment import Manifest
from tools.standin.errors import NotYetError, StandinError
from tools.standin.launch import Surroundings
from tools.standin.reporter import Reporter
from tools.standin.tokens import Tokens
from tools.standin.volumes import Volumes

TICK_SECONDS = 0.05
_RETRY_SECONDS = 0.5
_ENDED = ("Succeeded", "Failed")


@dataclass(slots=True)
class Host:
    """What all Pods share. `kubelet_delay` may be changed while they run."""

    cluster: Cluster
    directory: Path
    addresses: Addresses
    kubelet_delay: float
    clock: Callable[[], float]


class PodWorker:
    def __init__(self, pod: Manifest, host: Host) -> None:
        self.pod: dict[str, Any] = dict(pod)
        self._host = host
        metadata = pod["metadata"]
        self.uid, self.name, self.namespace = metadata["uid"], metadata["name"], metadata["namespace"]
        self.ip = host.addresses.take(pod.get("status", {}).get("podIP", ""))
        self._folder = host.directory / "pods" / self.uid
        self._hosts = self._folder / "hosts"
        self._executor = ThreadPoolExecutor(8, thread_name_prefix=f"pod {self.name}")
        self._volumes = Volumes(
            pod, self.ip, self._folder / "volumes", self._read, Tokens(host.cluster, pod, host.clock)
        )
        self.containers = [self._container(spec) for spec in pod["spec"]["containers"]]
        self._wake = threading.Event()
        self._gone = False
        self._refreshed = float("-inf")
        self._mounted = False
        self._reporter = Reporter(host.cluster, pod, self.ip, host.clock)
        self.trouble = ""
        """Why its volumes, or its status, are not as they should be."""

    @property
    def log(self) -> Path:
        return self._log_of(self.pod["spec"]["containers"][0])

    @property
    def ready(self) -> bool:
        """As last reported, which others may have read before we see it again."""
        return status.is_ready(self.pod | {"status": {"conditions": self._reporter.conditions}})

    def observe(self, pod: Manifest) -> None:
        """The Pod as the API server has it now."""
        self.pod = dict(pod)
        self._wake.set()

    def forget(self) -> None:
        """The Pod is no more, or the node ends: everything of it goes at once."""
        self._gone = True
        for container in self.containers:
            container.kill()
        self._wake.set()

    def run(self) -> None:
        """Until the Pod is gone; leaves neither process nor folder, only the log."""
        try:
            self._live()
        finally:
            for container in self.containers:
                container.kill()
            self._executor.shutdown(wait=True)
            for container in self.containers:
                container.kill()
            self._volumes.remove()
            self._hosts.unlink(missing_ok=True)
            _remove_folders(self._folder)
            self._host.addresses.give_back(self.ip)

    def problems(self) -> list[str]:
        """In words: what keeps its containers from running."""
        found = [f"pod {self.name}: {self.trouble}"] if self.trouble else []
        told = ((container.state.name, container.problem()) for container in self.containers)
        return found + [f"pod {self.name}, container {name}: {problem}" for name, problem in told if problem]

    def _live(self) -> None:
        while not self._gone:
            if "deletionTimestamp" in self.pod["metadata"]:
                self._terminate()
                return
            if self.pod.get("status", {}).get("phase") not in _ENDED:
                self._step()
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()

    def _step(self) -> None:
        self._refresh()
        if self._mounted:
            for container in self.containers:
                container.step()
        self._report()

    def _refresh(self) -> None:
        """A container starts with all that it mounts; later, what cannot be had leaves it what it has."""
        delay = self._host.kubelet_delay if self._mounted else _RETRY_SECONDS
        if time.monotonic() < self._refreshed + delay:
            return
        try:
            self._require_possible()
            self._volumes.refresh()
            self._write_hosts()
            self._mounted, self.trouble = True, ""
        except NotYetError as error:
            self.trouble = f"{error.reason}: {error}"
        self._refreshed = time.monotonic()

    def _write_hosts(self) -> None:
        """In place, for what is mounted is this very file."""
        services = self._host.cluster.items(f"/api/v1/namespaces/{self.namespace}/services")
        if services is None:
            raise NotYetError("FailedMount", "no answer from the API server")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._hosts.write_text(hosts.text(services, self.name, self.ip))

    def _mounts(self, spec: Manifest) -> dict[str, Mount]:
        return {hosts.PATH: Mount(self._hosts, read_only=True), **self._volumes.mounts(spec)}

    def _require_possible(self) -> None:
        if self.pod["spec"].get("initContainers"):
            raise NotYetError("FailedMount", "the stand-in has no initContainers")

    def _report(self) -> None:
        self._reporter.report([container.state for container in self.containers])

    def _terminate(self) -> None:
        """Its grace begins; whoever deletes it by force meanwhile has it killed (`forget`)."""
        grace = float(self.pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        ends = [self._executor.submit(container.end, grace) for container in self.containers]
        self._report_in_passing()
        for end in ends:
            end.result()
        self._report_in_passing()
        self._reporter.remove(unless=lambda: self._gone)

    def _report_in_passing(self) -> None:
        """A Pod that is going may be gone already."""
        with contextlib.suppress(StandinError):
            self._report()

    def _container(self, spec: Manifest) -> ContainerLife:
        address = self._host.cluster
        base = {
            "KUBERNETES_SERVICE_HOST": address.host,
            "KUBERNETES_SERVICE_PORT": str(address.port),
            "KUBERNETES_SERVICE_PORT_HTTPS": str(address.port),
        }
        around = Surroundings(
            self.pod,
            self.ip,
            self._folder / "root",
            self._log_of(spec),
            base,
            self._read,
            self._mounts,
            self._executor,
            self._host.clock,
        )
        return ContainerLife(spec, around, self._restarts_so_far(spec["name"]))

    def _restarts_so_far(self, name: str) -> int:
        """A Pod that has run before this stand-in did is started again."""
        for former in self.pod.get("status", {}).get("containerStatuses") or []:
            if former["name"] == name:
                return int(former["restartCount"]) + (1 if "running" in former["state"] else 0)
        return 0

    def _log_of(self, spec: Manifest) -> Path:
        alone = len(self.pod["spec"]["containers"]) == 1
        name = self.name if alone else f"{self.name}-{spec['name']}"
        return self._host.directory / "logs" / f"{name}.log"

    def _read(self, kind: str, name: str) -> dict[str, bytes] | None:
        answer = self._host.cluster.get(f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise NotYetError("FailedMount", f"{kind} {name}: {said(answer)}")
        return environment.entries(answer.json())


def _remove_folders(folder: Path) -> None:
    for each in (folder / "root", folder):
        with contextlib.suppress(FileNotFoundError):
            each.rmdir()
