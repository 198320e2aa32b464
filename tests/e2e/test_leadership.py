"""Two controllers on one cluster: one writes, and the other takes over when it goes, dies or freezes."""

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import cluster
from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process, child_environment
from tools.dev.product import nsp

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ns-provisioner-controller"
LABELS = {"app.kubernetes.io/managed-by": "ns-provisioner", "tier": "small", "team": "shop"}
GOES_SECONDS = 2.0
DIES_SECONDS = 17.0
SLACK_SECONDS = 1.5
"""For a machine that is busy with other tests."""


@dataclass
class Controller:
    """A process with an account of its own, by which the audit log tells it from the other."""

    user: str
    process: Process
    health: str

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.health}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def leads(self) -> bool:
        return "\nnsp_leader 1.0\n" in self.get("/metrics")


class Pair:
    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self._folder = folder
        self.controllers = {name: self._start(name) for name in ("one", "two")}

    def stop(self) -> None:
        for controller in self.controllers.values():
            controller.process.resume()
            controller.process.stop()

    def leader(self) -> tuple[Controller, Controller]:
        """Who leads, and the other, both alive."""
        for name, controller in self.controllers.items():
            if not controller.process.alive():
                self.controllers[name] = self._start(name)
        one, two = self.controllers.values()
        cluster.eventually(lambda: one.leads() or two.leads(), "one to lead", seconds=DIES_SECONDS)
        return (one, two) if one.leads() else (two, one)

    def writes(self, controller: Controller, since: datetime) -> list[str]:
        """What it has written since, but to the Lease."""
        found = []
        for line in self.plane.audit_log.read_text().splitlines():
            entry: dict[str, Any] = json.loads(line)
            if entry["user"]["username"] != controller.user or entry["verb"] in ("get", "list", "watch"):
                continue
            began = datetime.fromisoformat(entry["requestReceivedTimestamp"])
            if began >= since and entry["objectRef"]["resource"] != "leases":
                found.append(f"{began} {entry['verb']} {entry['requestURI']}")
        return found

    def _start(self, name: str) -> Controller:
        user, kubeconfig = self._account(name)
        log = self._folder / f"{name}-{time.monotonic_ns()}.log"
        argv = [nsp(), "serve", "--role", "controller", "--health-listen", "127.0.0.1:0"]
        environment = child_environment() | {"KUBECONFIG": str(kubeconfig)}
        process = Process.spawn(name, argv, log=log, env=environment)
        waiting.until(lambda: bool(_health(log)), f"{name} to listen", [process], limit=30)
        controller = Controller(user, process, _health(log))
        waiting.until(lambda: _is_ready(controller), f"{name} to be ready", [process], limit=30)
        return controller

    def _account(self, name: str) -> tuple[str, Path]:
        kubeconfig = self._folder / f"{name}.kubeconfig"
        user = f"system:serviceaccount:kube-system:{name}"
        if not kubeconfig.exists():
            self.plane.kubectl("create", "serviceaccount", name, "-n", "kube-system")
            role = ("--clusterrole=cluster-admin", f"--user={user}")
            self.plane.kubectl("create", "clusterrolebinding", name, *role)
            token = self.plane.kubectl("create", "token", name, "-n", "kube-system")
            self.plane.write_kubeconfig(kubeconfig, token.strip())
        return user, kubeconfig


@pytest.fixture(scope="module")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """No other controller may be at work on it, and it tells who has written what."""
    with ControlPlane.start(audit=True) as running:
        yield running


@pytest.fixture(scope="module")
def pair(own_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    running = Pair(own_plane, tmp_path_factory.mktemp("pair"))
    yield running
    running.stop()


def test_one_leads_and_both_are_ready_and_say_who(own_plane: ControlPlane, pair: Pair, name: str) -> None:
    leader, other = pair.leader()
    cluster.new(own_plane, name, **LABELS)
    holder = _lease(own_plane)["holderIdentity"]
    assert f"leader: {holder} (this process)\n" in leader.get("/readyz?verbose")
    assert f"leader: {holder}\n" in other.get("/readyz?verbose")
    assert not other.leads()
    assert pair.writes(other, datetime.fromtimestamp(0, UTC)) == []


def test_a_lease_that_somebody_deletes_is_made_anew_by_who_leads(own_plane: ControlPlane, pair: Pair) -> None:
    leader, _ = pair.leader()
    before = _lease(own_plane)
    assert own_plane.api.send("DELETE", LEASE).status == 200
    cluster.eventually(lambda: cluster.get(own_plane, LEASE), "the Lease to be there again")
    assert _lease(own_plane)["holderIdentity"] == before["holderIdentity"]
    assert leader.leads()
    assert "leading no more" not in leader.process.tail()


def test_a_leader_that_is_told_to_go_is_followed_within_two_seconds(
    own_plane: ControlPlane, pair: Pair, name: str
) -> None:
    leader, other = pair.leader()
    cluster.new(own_plane, name, **LABELS)
    began = time.monotonic()
    leader.process.stop()
    path = _damage(own_plane, name)
    cluster.eventually(other.leads, "the other to lead")
    assert time.monotonic() - began <= GOES_SECONDS + SLACK_SECONDS
    cluster.eventually(lambda: cluster.get(own_plane, path), "the repair")
    assert leader.process.exit_code() == 0
    assert _lease(own_plane)["leaseDurationSeconds"] == 15


def test_a_leader_that_froze_writes_nothing_after_another_has_taken_over(
    own_plane: ControlPlane, pair: Pair, name: str
) -> None:
    """It freezes in the middle of work, which it finds done when it thaws."""
    leader, other = pair.leader()
    names = [f"{name}-{number}" for number in range(20)]
    for each in names:
        assert cluster.create(own_plane, cluster.namespace(each, **LABELS))[0] == 201
    leader.process.pause()
    cluster.eventually(other.leads, "the other to lead", seconds=DIES_SECONDS + SLACK_SECONDS)
    took_over = datetime.now(UTC)
    for each in names:
        cluster.provisioned(own_plane, each)
    leader.process.resume()
    path = _damage(own_plane, names[0])
    cluster.eventually(lambda: "leading no more" in leader.process.tail(), "the thawed one to notice")
    cluster.eventually(lambda: cluster.get(own_plane, path), "the repair")
    assert pair.writes(leader, took_over) == []
    assert pair.writes(other, took_over) != []
    assert other.leads()
    assert leader.get("/readyz") == "ok\n"


def _damage(plane: ControlPlane, name: str) -> str:
    path = cluster.PATHS["NetworkPolicy"].format(name)
    assert plane.api.send("DELETE", path).status == 200
    return path


def _lease(plane: ControlPlane) -> dict[str, Any]:
    found = cluster.get(plane, LEASE)
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


def _health(log: Path) -> str:
    """Where it listens, once its log says so."""
    for line in log.read_text().splitlines():
        entry: Any = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
        if entry.get("message") == "listening":
            return str(entry["address"])
    return ""


def _is_ready(controller: Controller) -> bool:
    try:
        return controller.get("/readyz") == "ok\n"
    except OSError:
        return False
