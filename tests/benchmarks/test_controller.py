"""The controller's benchmarks: what their figures say, and that they run, in their short forms."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.controller import drift, provisioning
from benchmarks.controller.accounts import CONTROLLER
from benchmarks.controller.provisioning import Figures
from benchmarks.controller.readiness import Readiness
from tools.controlplane.plane import ControlPlane
from tools.scale.damage import ACTORS, Damage, Place, Way
from tools.scale.repairs import Repair
from webhook.core import labels
from webhook.core.model import Manifest, ObjectKey

_OTHERS = ("kube-apiserver", "etcd", "kube-controller-manager", "nsp-admission")


@pytest.fixture(scope="module")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """They install and remove the product, and the raw client has to have no product beside it."""
    with ControlPlane.start() as running:
        yield running


def figures(**changes: object) -> Figures:
    """Of 100 namespaces, with every target kept."""
    spent = dict.fromkeys(_OTHERS, 0.1)
    values = {
        "ours": [1.0, 1.1, 1.2],
        "raw": [1.0, 1.0, 1.0],
        "raw_go": [1.0, 1.0, 1.0],
        "raw_created": [0.3, 0.3, 0.3],
        "created": [0.5, 0.5, 0.5],
        "spent": [{**spent, CONTROLLER: 0.35}] * 3,
        "raw_spent": [{"kube-apiserver": 0.1}] * 3,
        "alone": [0.05] * 100,
    }
    return Figures(**{**values, **changes})  # type: ignore[arg-type]


def missed(found: Figures) -> list[str]:
    return [row.what for row in provisioning.rows(found, 100) if row.met is False]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        pytest.param({}, [], id="all within the targets"),
        pytest.param(
            {"ours": [1.0, 1.2, 1.3]},
            ["100 namespaces at 16 in flight, until the last is complete"],
            id="slower than the raw writes of the same rounds",
        ),
        pytest.param({"ours": [2.2, 2.2, 2.2], "raw": [2.0, 2.0, 2.0]}, [], id="both slow is no matter"),
        pytest.param(
            {"alone": [0.05] * 98 + [0.5] * 2},
            ["one namespace alone, from create to complete, p99"],
            id="two in a hundred too slow alone",
        ),
    ],
)
def test_figures_are_held_against_their_targets(changes: dict[str, object], what: list[str]) -> None:
    assert missed(figures(**changes)) == what


def test_processor_time_is_reckoned_for_each_written_object() -> None:
    account = dict.fromkeys(_OTHERS, 0.0)
    dear = [{**account, CONTROLLER: 0.77}] * 3  # 1.1 ms for each of 700
    assert missed(figures(spent=dear)) == ["  processor time of the controller a written object"]


def _repair(seconds: float | None) -> Repair:
    return Repair(Damage(Place("a", ObjectKey("ConfigMap", "c")), Way.DELETE, ACTORS[0]), seconds, 0.01)


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        pytest.param([0.04] * 99 + [0.2], [True, True, True], id="all within the targets"),
        pytest.param([0.04] * 99 + [None], [False, True, True], id="one never repaired"),
        pytest.param([0.06] * 100, [True, False, True], id="too slow as a rule"),
        pytest.param([0.04] * 98 + [0.3] * 2, [True, True, False], id="too slow now and then"),
    ],
)
def test_repairs_are_held_against_their_targets(seconds: list[float | None], kept: list[bool]) -> None:
    rows = drift.rows({"one after another": [_repair(each) for each in seconds]})
    assert [row.met for row in rows if row.met is not None] == kept


def namespace(name: str, status: str) -> Manifest:
    condition = {"type": labels.PROVISIONED, "status": status, "reason": "R", "message": "m"}
    return {"metadata": {"name": name}, "status": {"conditions": [condition]}}


@pytest.mark.anyio
async def test_readiness_is_when_the_last_one_said_so_first() -> None:
    ready = Readiness()
    ready.take(namespace("one", "True"))
    waiting = asyncio.ensure_future(ready.of(["one", "two"]))
    await asyncio.sleep(0)
    ready.take(namespace("two", "False"))
    ready.take({"metadata": {"name": "two"}})
    await asyncio.sleep(0)
    assert not waiting.done()
    ready.take(namespace("two", "True"))
    at = ready.at["two"]
    ready.take(namespace("two", "True"))
    assert await waiting == at


def test_the_runs_leave_nothing_undone(own_plane: ControlPlane, tmp_path: Path) -> None:
    """Each namespace complete, each damage repaired, and the plane as before for the next round."""
    found = provisioning.measure(own_plane, tmp_path, provisioning.SHORT)
    assert len(found.ours) == len(found.raw) == len(found.raw_go) == provisioning.SHORT.rounds
    assert len(found.alone) == provisioning.SHORT.alone
    assert all(account[CONTROLLER] > 0 for account in found.spent)
    assert all("nsp-admission" not in account for account in found.raw_spent)


def test_every_damage_of_a_short_run_is_repaired(own_plane: ControlPlane, tmp_path: Path) -> None:
    series = drift.measure(own_plane, tmp_path, drift.SHORT)
    assert {name: len(found) for name, found in series.items()} == {
        "one after another": drift.SHORT.damages,
        "all at once": drift.SHORT.damages,
    }
    assert [repair for found in series.values() for repair in found if repair.seconds is None] == []
