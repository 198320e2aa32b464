"""The budget of a team on a real control plane: one place, many who want it."""

import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import cluster
from tests.e2e.cluster import Manifest
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product

BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
CROWD = [f"crowd-{number:02}" for number in range(50)]
DECIDED_SECONDS = 30.0
"""Promised are 5 s, which a machine that does other things at the same time need not keep."""


def written(**budgets: Any) -> str:
    """The built-in catalogue with budgets; tier `small` lets a namespace choose its pods."""
    document = yaml.safe_load(BUILT_IN)
    document["teams"] = budgets
    document["tiers"]["small"]["overrides"] = {"quota": {"pods": {"max": "100"}}}
    return yaml.safe_dump(document)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.yaml"
    path.write_text(written(crowd={"namespaces": 2}, growing={"quota": {"pods": 50}}))
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Product]:
    with cluster.installed(tmp_path_factory.mktemp("product"), catalogue) as product:
        yield product


@pytest.fixture
def plane(running: Product) -> ControlPlane:
    return running.plane


def create_at_once(plane: ControlPlane, names: list[str], team: str) -> None:
    barrier = threading.Barrier(len(names))

    def create(name: str) -> None:
        barrier.wait()
        while cluster.create(plane, cluster.namespace(name, team=team))[0] not in (201, 409):
            pass  # a busy API server may not answer in time; then it is asked again

    threads = [threading.Thread(target=create, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def listed(plane: ControlPlane, path: str) -> list[Manifest]:
    answer = plane.api.get(path)
    assert answer.status == 200, answer.body
    items: list[Manifest] = answer.json()["items"]
    return items


def conditions(plane: ControlPlane, team: str) -> dict[str, Manifest]:
    """What `Provisioned` says of each namespace of a team, of those where it says anything."""
    return {
        item["metadata"]["name"]: each
        for item in listed(plane, f"/api/v1/namespaces?labelSelector=platform/team={team}")
        for each in item.get("status", {}).get("conditions", [])
        if each["type"] == "Provisioned"
    }


def by_namespace(plane: ControlPlane, resource: str, name: str) -> dict[str, Manifest]:
    """The objects of one name in all namespaces."""
    path = f"/apis/{resource}" if "/" in resource else f"/api/v1/{resource}"
    found = listed(plane, f"{path}?fieldSelector=metadata.name={name}")
    return {item["metadata"]["namespace"]: item for item in found}


def with_access(plane: ControlPlane, team: str) -> set[str]:
    bound = by_namespace(plane, "rbac.authorization.k8s.io/v1/rolebindings", "team-edit")
    return {name for name in conditions(plane, team) if name in bound}


def oldest(plane: ControlPlane, names: set[str]) -> str:
    found = {
        item["metadata"]["name"]: item["metadata"]["creationTimestamp"]
        for item in listed(plane, "/api/v1/namespaces")
    }
    return min(names, key=lambda name: (found[name], name))


def hard(plane: ControlPlane, name: str) -> dict[str, str]:
    found: dict[str, str] = by_namespace(plane, "resourcequotas", "default")[name]["spec"]["hard"]
    return found


@pytest.fixture(scope="module")
def crowd(running: Product) -> set[str]:
    """Fifty namespaces created at once for the one place that is left; those that did not get it."""
    plane = running.plane
    cluster.new(plane, "crowd-first", team="crowd")
    create_at_once(plane, CROWD, "crowd")
    cluster.eventually(
        lambda: len(conditions(plane, "crowd")) == len(CROWD) + 1,
        "all to be decided",
        seconds=DECIDED_SECONDS,
    )
    return {name for name, found in conditions(plane, "crowd").items() if found["status"] != "True"}


def test_exactly_one_of_fifty_gets_the_one_place(plane: ControlPlane, crowd: set[str]) -> None:
    assert len(crowd) == len(CROWD) - 1
    assert with_access(plane, "crowd") == {"crowd-first", *CROWD} - crowd


def test_the_others_are_inert_and_say_why(plane: ControlPlane, crowd: set[str]) -> None:
    found = conditions(plane, "crowd")
    quotas = by_namespace(plane, "resourcequotas", "default")
    denials = by_namespace(plane, "networking.k8s.io/v1/networkpolicies", "default-deny-all")
    for name in crowd:
        assert found[name]["reason"] == "OverBudget"
        assert found[name]["message"].endswith("namespaces: 1 asked, 2 of 2 used")
        assert set(quotas[name]["spec"]["hard"].values()) == {"0"}
        assert name in denials


def test_an_event_tells_of_it(plane: ControlPlane, crowd: set[str]) -> None:
    path = f"/api/v1/namespaces/{min(crowd)}/events?fieldSelector=reason=OverBudget,type=Warning"
    (event,) = cluster.eventually(lambda: listed(plane, path), "an Event")
    assert "no room in the budget of team crowd" in event["message"]


def test_when_a_place_comes_free_the_oldest_gets_it(plane: ControlPlane, crowd: set[str]) -> None:
    first = oldest(plane, crowd)
    (winner,) = set(CROWD) - crowd
    plane.kubectl("delete", "namespace", winner, "--wait=false")
    cluster.provisioned(plane, first)
    assert with_access(plane, "crowd") - {winner} == {"crowd-first", first}
    assert hard(plane, first)["pods"] == "20"


def test_growing_beyond_the_budget_is_held_and_takes_nothing_away(plane: ControlPlane) -> None:
    cluster.new(plane, "grow-a", team="growing")
    cluster.new(plane, "grow-b", team="growing")
    plane.kubectl("annotate", "namespace", "grow-a", "platform/quota=pods=31")
    cluster.eventually(
        lambda: cluster.condition(plane, "grow-a").get("reason") == "OverBudget", "the growth to be refused"
    )
    assert cluster.condition(plane, "grow-a")["message"].endswith(
        "pods: 31 instead of 20 asked, 40 of 50 used"
    )
    assert hard(plane, "grow-a")["pods"] == "20"
    assert "RoleBinding/team-edit" in cluster.bundle(plane, "grow-a")
    plane.kubectl("annotate", "namespace", "grow-b", "platform/quota=pods=19")
    cluster.provisioned(plane, "grow-a")
    assert hard(plane, "grow-a")["pods"] == "31"


def test_a_larger_budget_lets_in_those_who_wait(plane: ControlPlane, catalogue: Path) -> None:
    before = {name for name, found in conditions(plane, "crowd").items() if found["status"] == "True"}
    catalogue.write_text(written(crowd={"namespaces": 5}, growing={"quota": {"pods": 50}}))
    cluster.eventually(lambda: len(with_access(plane, "crowd")) == 5, "three more to be provisioned")
    assert before <= with_access(plane, "crowd")
