"""Controller processes on one plane, each behind a proxy of its own that sees all it asks for.

Namespaces are made with their labels complete, so that no admission pair is needed.
"""

import itertools
import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.chaos.apiproxy import ApiProxy, Faults, Seen
from tools.chaos.background import Background
from tools.chaos.cluster import Cluster, Outcome, Request
from tools.chaos.fleet import ROOT, Replica, environment, listening
from tools.controlplane import waiting
from tools.controlplane.credentials import write_private
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from tools.dev.product import nsp
from webhook.adapters import pki

LEASE = "ns-provisioner-controller"
LEASES = "/apis/coordination.k8s.io/v1"
READY_SECONDS = 60.0


@dataclass(slots=True)
class Controller(Replica):
    """`proxy` is None for one that talks to the API server itself."""

    proxy: ApiProxy | None = None

    @property
    def seen(self) -> list[Seen]:
        """All that it has asked for so far."""
        assert self.proxy is not None, "only what goes through a proxy is seen"
        return list(self.proxy.seen)

    def writes(self, *, since: float = 0.0) -> list[Seen]:
        """Its writes of namespaces and bundle objects, from `since` (monotonic) on."""
        return [each for each in self.seen if each.is_write and each.at >= since]

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


class Controllers:
    """Use as a context manager: nothing of it outlives the block.

    Logs and kubeconfigs go to `folder`; `flags` are given to every `nsp serve`.
    """

    def __init__(
        self, plane: ControlPlane, folder: Path, background: Background, *, flags: Sequence[str] = ()
    ) -> None:
        self._plane = plane
        self._folder = folder
        self._background = background
        self._flags = flags
        self._every: list[Controller] = []
        self._numbers = itertools.count(1)
        self._ca_file, self._certificate, self._key = pki.make_pair(folder / "proxy", ["127.0.0.1"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._every:
            each.process.stop(grace=0)
            if each.proxy is not None:
                self._background.call(each.proxy.stop())

    def add(
        self, faults: Faults | None = None, *, direct: bool = False, command: Sequence[str] = ()
    ) -> Controller:
        """Start one more and wait until it is ready. `command` is what runs it (default: nsp)."""
        name = f"controller-{next(self._numbers)}"
        proxy = None if direct else ApiProxy(self._plane.url, self._plane.ca_file, faults)
        if proxy is not None:
            self._background.call(proxy.start(self._certificate, self._key))
        kubeconfig = self._kubeconfig(name, proxy)
        argv = [*(command or (nsp(),)), "serve", "--role", "controller", "--health-listen", "127.0.0.1:0"]
        argv += ["--kubeconfig", str(kubeconfig), *self._flags]
        log = self._folder / f"{name}.log"
        controller = Controller(Process.spawn(name, argv, log=log, env=environment(), cwd=ROOT), proxy=proxy)
        self._every.append(controller)
        _wait_until_ready(controller)
        return controller

    def _kubeconfig(self, name: str, proxy: ApiProxy | None) -> Path:
        url, ca_file = (proxy.url, self._ca_file) if proxy else (self._plane.url, self._plane.ca_file)
        cluster = {"server": url, "certificate-authority": str(ca_file)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": self._plane.admin_token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        path = self._folder / f"{name}.kubeconfig"
        write_private(path, json.dumps(content))
        return path


@dataclass(frozen=True, slots=True)
class Scene:
    """A plane on which controllers run, and somebody with all rights who makes trouble."""

    plane: ControlPlane
    background: Background
    cluster: Cluster
    controllers: Controllers

    def send(self, *requests: Request) -> list[Outcome]:
        """One after the other; raises ControlPlaneError for the first that is not answered as wanted."""
        outcomes = []
        for request in requests:
            outcome = self.background.call(self.cluster.send(request))
            if not outcome.as_wanted:
                raise ControlPlaneError(str(outcome))
            outcomes.append(outcome)
        return outcomes

    def forget_leader(self) -> None:
        """Delete the Lease of a leader that is dead, so that nobody has to wait for its end."""
        for lease in self.plane.api.get(f"{LEASES}/leases").json()["items"]:
            metadata = lease["metadata"]
            if metadata["name"] == LEASE:
                path = f"{LEASES}/namespaces/{metadata['namespace']}/leases/{LEASE}"
                self.send(Request("forget the leader", "DELETE", path))


@contextmanager
def on(plane: ControlPlane, folder: Path, *, flags: Sequence[str] = ()) -> Iterator[Scene]:
    """The plane needs no webhooks; no other controller may be at work on it."""
    with Background() as background, Controllers(plane, folder, background, flags=flags) as controllers:
        cluster = Cluster(plane)
        background.call(cluster.open())
        try:
            yield Scene(plane, background, cluster, controllers)
        finally:
            background.call(cluster.close())


def _wait_until_ready(controller: Controller) -> None:
    process = controller.process
    what, limit = f"{process.name} to be ready", READY_SECONDS
    waiting.until(lambda: "health" in listening(process.log), what, [process], limit=limit)
    controller.health = listening(process.log)["health"]
    waiting.until(lambda: controller.get("/readyz")[0] == 200, what, [process], limit=limit)
