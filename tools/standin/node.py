"""`Standin`: a node for a control plane, in this process.

    with Standin.start(plane, directory, namespaces=("ns-provisioner",)) as node:
        plane.kubectl(...)                      # or helm install --wait
        (pod, *_) = node.pods("app.kubernetes.io/component=admission")
        pod.process.pause()

It looks at the API server several times a second, binds Pods, runs them (`PodWorker`) and balances Services
(`Proxy`). Constraints on where a Pod may run are not weighed. When it ends, its Pods are killed; their
objects stay.
"""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.chaos.balancer import Balancer
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from tools.standin import scheduler, status
from tools.standin.addresses import Addresses
from tools.standin.cluster import Cluster
from tools.standin.environment import Manifest
from tools.standin.errors import StandinError
from tools.standin.podworker import Host, PodWorker
from tools.standin.proxy import Proxy

_LOOK_SECONDS = 0.15
_REST_SECONDS = 0.6
"""Between two looks while nothing changes."""


def _prompt() -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class RunningPod:
    """As it was when asked for. `process` is its first container's."""

    name: str
    namespace: str
    uid: str
    ip: str
    process: Process
    log: Path
    ready: bool
    terminating: bool
    restarts: int


class Standin:
    """`kubelet_delay` and `lateness` may be changed while it runs."""

    def __init__(self, host: Host, namespaces: Sequence[str], lateness: Callable[[], float]) -> None:
        self.namespaces = list(namespaces)
        self.lateness = lateness
        self._host = host
        self._proxy = Proxy(lambda: self.lateness())
        self._workers: dict[str, PodWorker] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._failures: list[BaseException] = []
        self._stopping = threading.Event()
        self._looked = threading.Event()
        self._seen: set[tuple[str, str]] = set()
        self._held = ExitStack()

    @classmethod
    def start(
        cls,
        plane: ControlPlane,
        directory: Path,
        *,
        namespaces: Sequence[str] = ("ns-provisioner",),
        kubelet_delay: float = 0.5,
        lateness: Callable[[], float] = _prompt,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Register the node and serve the Pods of these namespaces; one stand-in a plane.

        `directory` gets a log for each Pod, and their volumes while they run. `kubelet_delay` is after how
        many seconds at the latest a changed Secret or ConfigMap reaches its files, `lateness` how late the
        proxy learns of an endpoint; `clock` is what tokens are renewed by.
        """
        shutil.rmtree(directory / "pods", ignore_errors=True)  # what a killed one has left
        (directory / "logs").mkdir(parents=True, exist_ok=True)
        cluster = Cluster(plane)
        host = Host(cluster, directory.absolute(), Addresses(cluster.port), kubelet_delay, clock)
        node = cls(host, namespaces, lateness)
        node._begin()
        return node

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            self.check()

    @property
    def directory(self) -> Path:
        return self._host.directory

    @property
    def logs(self) -> Path:
        """POD.log, or POD-CONTAINER.log of a Pod with several."""
        return self.directory / "logs"

    @property
    def kubelet_delay(self) -> float:
        return self._host.kubelet_delay

    @kubelet_delay.setter
    def kubelet_delay(self, seconds: float) -> None:
        self._host.kubelet_delay = seconds

    def check(self) -> None:
        """Raises what one of its threads has failed with; nothing more is done after that."""
        if self._failures:
            raise StandinError(f"the stand-in has failed: {self._failures[0]}") from self._failures[0]

    def pods(self, selector: str = "", namespace: str | None = None) -> list[RunningPod]:
        """Those whose process runs, oldest first, by labels as in "key=value,other=value"."""
        self.check()
        wanted = [
            (key, value) for key, _, value in (each.partition("=") for each in selector.split(",") if each)
        ]
        return [
            _running(worker, worker.containers[0].process)
            for worker in list(self._workers.values())
            if namespace in (None, worker.namespace) and status.selects(wanted, worker.pod)
            if worker.containers[0].process is not None and worker.containers[0].process.alive()
        ]

    def balancer(self, service: str, port: int | None = None) -> Balancer:
        """What listens for a Service: which endpoints it knows, what it has dialled. Raises KeyError."""
        self.check()
        return self._proxy.balancer(service, port)

    def problems(self) -> list[str]:
        """What cannot be run now, in words; empty when all is well."""
        failed = [f"the stand-in has failed: {failure}" for failure in self._failures]
        troubles = [text for worker in list(self._workers.values()) for text in worker.problems()]
        return failed + troubles + self._proxy.problems()

    def stop(self) -> None:
        """Kill what runs, take the node away and remove its folders; the logs stay."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._main.join()
        for worker in list(self._workers.values()):
            worker.forget()
        for thread in list(self._threads.values()):
            thread.join()
        shutil.rmtree(self._host.directory / "pods", ignore_errors=True)
        self._held.close()

    def _begin(self) -> None:
        with ExitStack() as held:
            held.enter_context(self._proxy)
            held.callback(self._host.cluster.close)
            scheduler.register(self._host.cluster)
            held.callback(scheduler.unregister, self._host.cluster)
            self._held = held.pop_all()
        self._main = threading.Thread(target=self._guarded, args=(self._look_always,), name="node")
        self._main.start()
        self._looked.wait()
        if self._failures:
            self.stop()
            self.check()

    def _look_always(self) -> None:
        try:
            while not self._stopping.is_set() and not self._failures:
                changed = self._look()
                self._looked.set()
                self._stopping.wait(_LOOK_SECONDS if changed else _REST_SECONDS)
        finally:
            self._looked.set()

    def _look(self) -> bool:
        """Whether something is new. Skipped when the API server does not answer: what runs goes on."""
        pods, services = self._all("pods"), self._all("services")
        if pods is None or services is None:
            return False
        for pod in filter(scheduler.is_pending, pods):
            scheduler.bind(self._host.cluster, pod)
        self._follow({pod["metadata"]["uid"]: pod for pod in pods if scheduler.is_here(pod)})
        self._proxy.sync(services, pods)
        before, self._seen = self._seen, {_version(each) for each in (*pods, *services)}
        return self._seen != before

    def _all(self, resource: str) -> list[Manifest] | None:
        found: list[Manifest] = []
        for namespace in self.namespaces:
            items = self._host.cluster.items(f"/api/v1/namespaces/{namespace}/{resource}")
            if items is None:
                return None
            found += items
        return found

    def _follow(self, pods: dict[str, Manifest]) -> None:
        for uid, worker in list(self._workers.items()):
            if uid not in pods:
                worker.forget()
                if not self._threads[uid].is_alive():
                    del self._workers[uid], self._threads[uid]
        for uid, pod in pods.items():
            if uid in self._workers:
                self._workers[uid].observe(pod)
            else:
                self._accept(uid, pod)

    def _accept(self, uid: str, pod: Manifest) -> None:
        worker = self._workers[uid] = PodWorker(pod, self._host)
        thread = threading.Thread(target=self._guarded, args=(worker.run,), name=f"pod {worker.name}")
        self._threads[uid] = thread
        thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread that fails is no secret: `check`, and so every question, raises it."""
        try:
            work()
        except BaseException as error:
            self._failures.append(error)


def _version(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["uid"], manifest["metadata"]["resourceVersion"]


def _running(worker: PodWorker, process: Process | None) -> RunningPod:
    assert process is not None
    first = worker.containers[0].state
    return RunningPod(
        worker.name,
        worker.namespace,
        worker.uid,
        worker.ip,
        process,
        worker.log,
        worker.ready,
        "deletionTimestamp" in worker.pod["metadata"],
        first.restarts,
    )
