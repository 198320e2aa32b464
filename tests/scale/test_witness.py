"""When an object counts as right again."""

import asyncio
from typing import Any

import pytest

from tools.scale.damage import Place
from tools.scale.witness import Patient, Witness
from webhook.core.model import Manifest, ObjectKey

PLACE = Place("a", ObjectKey("ConfigMap", "c"))


def config_map(version: int, *, data: str = "right", uid: str = "one") -> Manifest:
    metadata = {"name": "c", "namespace": "a", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"key": data}}


@pytest.fixture
def patient() -> Patient:
    return Patient(config_map(1))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("event", "damaged", "repaired"),
    [
        pytest.param(config_map(3), 2, True, id="right, and newer than the damage"),
        pytest.param(config_map(2, data="wrong"), 2, False, id="the damage itself"),
        pytest.param(config_map(3, data="wrong"), 2, False, id="wrong once more"),
        pytest.param(config_map(1), 2, False, id="old news from before the damage"),
        pytest.param(config_map(4, uid="two"), None, True, id="made anew after a deletion"),
        pytest.param(config_map(4), None, False, id="still the one that is being deleted"),
    ],
)
async def test_only_what_comes_after_the_damage_repairs_it(
    patient: Patient, event: Manifest, damaged: int | None, repaired: bool
) -> None:
    patient.saw(event, at=5.0)
    waiting = asyncio.ensure_future(patient.right_after(damaged))
    await asyncio.sleep(0)
    assert waiting.done() is repaired
    waiting.cancel()


@pytest.mark.anyio
async def test_a_repair_that_comes_later_is_waited_for(patient: Patient) -> None:
    waiting = asyncio.ensure_future(patient.right_after(2))
    await asyncio.sleep(0)
    patient.saw(config_map(2, data="wrong"), at=1.0)
    await asyncio.sleep(0)
    patient.saw(config_map(3), at=2.0)
    patient.saw(config_map(4), at=3.0)
    assert await waiting == 2.0


def test_events_reach_the_object_that_is_followed_and_no_other() -> None:
    witness = Witness()
    patient = witness.observe(PLACE, config_map(1))
    other: dict[str, Any] = config_map(7)
    other["metadata"] = {**other["metadata"], "namespace": "b"}
    witness.take("ConfigMap", other)
    witness.take("RoleBinding", config_map(8))
    assert patient._seen_right == []
    witness.take("ConfigMap", config_map(9))
    assert [seen.version for seen in patient._seen_right] == [9]
