"""The roles as separate processes: what stops when one is gone, and that all heals by itself."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e import cluster
from tests.e2e.test_api import post
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from tools.dev.product import Product, nsp

ROLES = ("admission", "controller", "api")
GONE_SECONDS = 20.0


@pytest.fixture(scope="module")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """What stops a webhook stops it for the whole cluster, so these tests have one of their own."""
    with ControlPlane.start() as running:
        yield running


@pytest.fixture(scope="module")
def split(own_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    running = Product.start(own_plane, tmp_path_factory.mktemp("split"), processes=ROLES)
    yield running
    running.stop()


def test_separate_processes_do_the_same(own_plane: ControlPlane, split: Product, name: str) -> None:
    assert post(split, {"team": name, "tier": "medium"})[0] == 201
    assert cluster.condition(own_plane, name)["status"] == "True"


def test_without_admission_creation_is_refused_and_nothing_else_is(
    own_plane: ControlPlane, split: Product, name: str
) -> None:
    cluster.new(own_plane, name)
    _process(split, "admission").stop(grace=0)
    try:
        began = time.monotonic()
        status, answer = cluster.create(own_plane, cluster.namespace(f"{name}-new"))
        assert time.monotonic() - began < 3
        assert status == 500
        assert 'failed calling webhook "validate.ns-provisioner.io"' in cluster.denial(answer)
        assert post(split, {"team": f"{name}-new", "tier": "small"})[0] == 503
        own_plane.kubectl("create", "configmap", "still", "-n", name, "--from-literal=works=yes")
        own_plane.kubectl("create", "clusterrole", name, "--verb=get", "--resource=pods")
        own_plane.kubectl("label", "namespace", "kube-system", "still=works")
        own_plane.kubectl("delete", "namespace", name, "--wait=false")
        gone = f"/api/v1/namespaces/{name}"
        cluster.eventually(
            lambda: cluster.get(own_plane, gone) is None, "the deletion to finish", seconds=GONE_SECONDS
        )
    finally:
        split.run("admission")
    cluster.eventually(
        lambda: cluster.create(own_plane, cluster.namespace(f"{name}-new"))[0] == 201,
        "creation to work again",
    )


def test_a_controller_that_comes_back_repairs_what_it_missed_and_writes_nothing_else(
    own_plane: ControlPlane, split: Product, name: str
) -> None:
    names = [f"{name}-{number}" for number in range(5)]
    for each in names:
        cluster.new(own_plane, each)
    _process(split, "controller").stop()
    assert own_plane.api.send("DELETE", cluster.PATHS["NetworkPolicy"].format(names[0])).status == 200
    before = cluster.writes(own_plane)
    split.run("controller")
    cluster.eventually(
        lambda: cluster.get(own_plane, cluster.PATHS["NetworkPolicy"].format(names[0])),
        "the policy to come back",
    )
    passes = 'nsp_reconciles_total{result="BundleComplete"}'
    cluster.eventually(
        lambda: _metric(split, "nsp-controller", passes) >= len(names), "a pass over every namespace"
    )
    after = cluster.writes(own_plane)
    changed = {
        kind: after[kind] - before.get(kind, 0) for kind in after if after[kind] != before.get(kind, 0)
    }
    assert changed == {"networkpolicies": 1}


def test_somebody_elses_object_in_our_place_is_reported_and_kept(
    own_plane: ControlPlane, split: Product, name: str
) -> None:
    _process(split, "controller").stop()
    cluster.create(own_plane, cluster.namespace(name))
    own_plane.kubectl("create", "quota", "default", "--hard=pods=1", "-n", name)
    split.run("controller")
    cluster.eventually(
        lambda: cluster.condition(own_plane, name).get("reason") == "ForeignObject", "the condition to say so"
    )
    said = cluster.condition(own_plane, name)
    assert said["status"] == "False"
    assert said["message"].startswith("ResourceQuota/default is somebody else's")
    live = cluster.get(own_plane, cluster.PATHS["ResourceQuota"].format(name))
    assert live is not None
    assert live["spec"] == {"hard": {"pods": "1"}}
    found = cluster.bundle(own_plane, name)
    assert "NetworkPolicy/default-deny-all" in found, "the other guardrails stand"
    assert "RoleBinding/team-edit" not in found, "no access without all of them"


def test_a_restart_of_the_api_server_costs_nothing_but_its_time(
    own_plane: ControlPlane, split: Product, name: str
) -> None:
    cluster.new(own_plane, name)
    own_plane.restart_apiserver()
    path = cluster.PATHS["LimitRange"].format(name)
    assert own_plane.api.send("DELETE", path).status == 200
    cluster.eventually(lambda: cluster.get(own_plane, path), "the repair after the restart", seconds=15)
    cluster.new(own_plane, f"{name}-after")
    assert all(process.alive() for process in split.processes.values())


@pytest.mark.parametrize("role", ROLES)
def test_sigterm_ends_a_role_in_good_order(split: Product, role: str) -> None:
    process = _process(split, role)
    began = time.monotonic()
    process.stop()
    assert time.monotonic() - began < 5
    assert process.exit_code() == 0
    assert '"message":"stopped"' in process.tail(1)
    split.run(role)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--role", "api"), "--api-tokens is missing", id="no token file"),
        pytest.param(("--role", "admission"), "--tls-cert is missing", id="no certificate"),
        pytest.param(("--role", "webhook"), '"webhook" is not a role', id="an unknown role"),
        pytest.param(
            ("--role", "controller", "--kubeconfig", "/nowhere"), "cannot use kubeconfig", id="no cluster"
        ),
        pytest.param(
            ("--role", "controller", "--health-listen", "{taken}"),
            "another program has the port",
            id="a port taken",
        ),
        pytest.param(
            ("--role", "controller", "--catalogue", "/nowhere"),
            "tier catalogue /nowhere has 1 problem",
            id="no catalogue",
        ),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    split: Product, arguments: tuple[str, ...], said: str
) -> None:
    taken = split.addresses["nsp-api/health"]
    command = [nsp(), "serve", *(argument.format(taken=taken) for argument in arguments)]
    environment = {"KUBECONFIG": str(split.plane.kubeconfig), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False)
    assert result.returncode == 1
    text = [line for line in result.stderr.splitlines() if not line.startswith('{"time"')]
    assert text[0].startswith("nsp: ")
    assert said in "\n".join(text)
    assert "Traceback" not in result.stderr


def _process(product: Product, role: str) -> Process:
    return product.processes[f"nsp-{role}"]


def _metric(product: Product, process: str, sample: str) -> float:
    _, text = product.health(process, "/metrics")
    return next(
        (float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(sample)), 0.0
    )
