"""Damages objects and measures how long it takes until each is exactly right again."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tools.scale.client import Client
from tools.scale.damage import Damage, patch
from tools.scale.witness import Patient, Witness
from webhook.core.model import Manifest

LIMIT_SECONDS = 60.0
"""What is not right again after this long counts as never repaired."""


@dataclass(frozen=True, slots=True)
class Repair:
    """`seconds` from the answer to the damaging call; None: not repaired. `call` is how long that took.

    On a busy machine the answer reaches us late, and the repair may have been seen before it.
    """

    damage: Damage
    seconds: float | None
    call: float


async def one_by_one(client: Client, witness: Witness, damages: Iterable[Damage]) -> list[Repair]:
    """Each when the one before is repaired."""
    return [await _inflict(client, await _prepared(client, witness, damage)) for damage in damages]


async def at_once(client: Client, witness: Witness, damages: Sequence[Damage]) -> list[Repair]:
    """All of them, as fast as the client's connections take them."""
    ready = await asyncio.gather(*(_prepared(client, witness, damage) for damage in damages))
    return await asyncio.gather(*(_inflict(client, each) for each in ready))


class _Prepared(NamedTuple):
    """An object that is followed from now on, and what will be sent to damage it (None: a deletion)."""

    damage: Damage
    patient: Patient
    body: Manifest | None


async def _prepared(client: Client, witness: Witness, damage: Damage) -> _Prepared:
    place = damage.place
    manifest = {"kind": place.key.kind, **await client.get(place.path)}
    return _Prepared(damage, witness.observe(place, manifest), patch(damage.way, manifest))


async def _inflict(client: Client, prepared: _Prepared) -> Repair:
    damage, patient, body = prepared
    method = "DELETE" if body is None else "PATCH"
    sent = time.perf_counter()
    answer = await client.send(method, damage.place.path, body, actor=damage.actor)
    answered = time.perf_counter()
    version = None if body is None else int(answer["metadata"]["resourceVersion"])
    return Repair(damage, await _seconds(patient, version, since=answered), answered - sent)


async def _seconds(patient: Patient, version: int | None, *, since: float) -> float | None:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return max(await patient.right_after(version) - since, 0.0)
    except TimeoutError:
        return None
