"""Damages objects and measures how long it takes until each is exactly right again."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.scale.client import Client
from tools.scale.damage import Damage, patch
from tools.scale.witness import Patient, Witness

LIMIT_SECONDS = 60.0
"""What is not right again after this long counts as never repaired."""


@dataclass(frozen=True, slots=True)
class Repair:
    """`seconds` from the answer to the damaging call; None: not repaired."""

    damage: Damage
    seconds: float | None


async def one_by_one(client: Client, witness: Witness, damages: Iterable[Damage]) -> list[Repair]:
    """Each when the one before is repaired."""
    return [await _inflict(client, witness, damage) for damage in damages]


async def at_once(client: Client, witness: Witness, damages: Sequence[Damage]) -> list[Repair]:
    """All of them, as fast as the client's connections take them."""
    return await asyncio.gather(*(_inflict(client, witness, damage) for damage in damages))


async def _inflict(client: Client, witness: Witness, damage: Damage) -> Repair:
    place = damage.place
    manifest = {"kind": place.key.kind, **await client.get(place.path)}
    patient = witness.observe(place, manifest)
    body = patch(damage.way, manifest)
    method = "DELETE" if body is None else "PATCH"
    answer = await client.send(method, place.path, body, actor=damage.actor)
    answered = time.perf_counter()
    version = None if body is None else int(answer["metadata"]["resourceVersion"])
    try:
        return Repair(damage, await _seconds(patient, version, since=answered))
    finally:
        witness.forget(place)


async def _seconds(patient: Patient, version: int | None, *, since: float) -> float | None:
    """A repair can be seen before the damage's own answer is: that is none."""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return max(await patient.right_after(version) - since, 0.0)
    except TimeoutError:
        return None
