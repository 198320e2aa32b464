"""Controller processes on one plane, each behind a proxy of its own that sees all it asks for.

They have the rights of `nsp rbac` and no others. Namespaces are made with their labels complete, so
that no admission pair is needed.
"""

import itertools
import json
import os
import signal
import subprocess
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
from tools.dev import accounts
from tools.dev.product import nsp
from webhook.adapters import pki

ROLE = "controller"
LEASE = "ns-provisioner-controller"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{accounts.NAMESPACE}/leases"
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

    Logs and kubeconfigs go to `folder`; without a `catalogue`, the built-in one holds.
    """

    def __init__(
        self, plane: ControlPlane, folder: Path, background: Background, *, catalogue: Path | None = None
    ) -> None:
        self._plane = plane
        self._folder = folder
        self._background = background
        self._catalogue = [] if catalogue is None else ["--catalogue", str(catalogue)]
        self._account = folder / "account.kubeconfig"
        self._every: list[Controller] = []
        self._numbers = itertools.count(1)
        self._ca_file, self._certificate, self._key = pki.make_pair(folder / "proxy", ["127.0.0.1"])

    def __enter__(self) -> Self:
        rights = _nsp("rbac", "--namespace", accounts.NAMESPACE, "--role", ROLE, *self._catalogue)
        accounts.install(self._plane, rights)
        accounts.write_kubeconfig(self._plane, ROLE, self._account)
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
        argv = [
            *(command or (nsp(),)),
            *("serve", "--role", ROLE, "--health-listen", "127.0.0.1:0"),
            *("--kubeconfig", str(kubeconfig), "--lease-namespace", accounts.NAMESPACE),
            *self._catalogue,
        ]
        log = self._folder / f"{name}.log"
        controller = Controller(Process.spawn(name, argv, log=log, env=environment(), cwd=ROOT), proxy=proxy)
        self._every.append(controller)
        _wait_until_ready(controller)
        return controller

    def _kubeconfig(self, name: str, proxy: ApiProxy | None) -> Path:
        """The account's own, or one by which the proxy is asked in the API server's stead."""
        if proxy is None:
            return self._account
        content = json.loads(self._account.read_text())
        content["clusters"][0]["cluster"] = {
            "server": proxy.url,
            "certificate-authority": str(self._ca_file),
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
        path = f"{LEASES}/{LEASE}"
        self.send(Request("forget the leader", "DELETE", path, wanted=(200, 404)))


@contextmanager
def on(plane: ControlPlane, folder: Path, *, catalogue: Path | None = None) -> Iterator[Scene]:
    """The plane needs no webhooks; no other controller may be at work on it."""
    with (
        Background() as background,
        Controllers(plane, folder, background, catalogue=catalogue) as controllers,
    ):
        cluster = Cluster(plane)
        background.call(cluster.open())
        try:
            scene = Scene(plane, background, cluster, controllers)
            scene.forget_leader()  # those of an earlier campaign were killed
            yield scene
        finally:
            background.call(cluster.close())


def _nsp(*arguments: str) -> str:
    result = subprocess.run(
        [nsp(), *arguments], capture_output=True, text=True, env=environment(), check=False
    )
    if result.returncode:
        raise ControlPlaneError(f"nsp {arguments[0]}: {result.stderr.strip()}")
    return result.stdout


def _wait_until_ready(controller: Controller) -> None:
    process = controller.process
    what, limit = f"{process.name} to be ready", READY_SECONDS
    waiting.until(lambda: "health" in listening(process.log), what, [process], limit=limit)
    controller.health = listening(process.log)["health"]
    waiting.until(lambda: controller.get("/readyz")[0] == 200, what, [process], limit=limit)
