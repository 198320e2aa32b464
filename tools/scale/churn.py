"""The coming and going of a living cluster: namespaces made and deleted, objects damaged, steadily."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence

from tools.chaos.pace import Pace
from tools.scale import damage
from tools.scale.client import Client
from webhook.codec import namespace
from webhook.core.model import NamespaceState, ObjectKey

_COLLECTION = "/api/v1/namespaces"


class Churn:
    """Each turn makes a namespace, deletes one that has lived so many turns, and damages an object."""

    def __init__(
        self,
        client: Client,
        names: Sequence[str],
        keys: Sequence[ObjectKey],
        *,
        rate: float,
        turns: int,
        seed: int = 3,
    ) -> None:
        self.pace = Pace(rate)
        self.made = 0
        self.deleted = 0
        self.damaged = 0
        self._client = client
        self._turns = turns
        self._places = [damage.Place(name, key) for name in names for key in keys]
        self._living: deque[str] = deque()
        self._chance = random.Random(seed)  # noqa: S311 - reproducible, no secret

    async def run(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pace.run(self._turn))
            await asyncio.sleep(seconds)
            self.pace.stop()

    async def _turn(self, due: float) -> None:
        await self._make()
        if len(self._living) > self._turns:
            await self._client.send("DELETE", f"{_COLLECTION}/{self._living.popleft()}")
            self.deleted += 1
        await self._damage()

    async def _make(self) -> None:
        self.made += 1
        name = f"churn-{self.made}"
        await self._client.send("POST", _COLLECTION, namespace.manifest(name, NamespaceState()))
        self._living.append(name)

    async def _damage(self) -> None:
        place = self._chance.choice(self._places)
        way, actor = self._chance.choice(tuple(damage.Way)), self._chance.choice(damage.ACTORS)
        manifest = await self._client.find(place.path)
        if manifest is None:
            return  # deleted by another turn, and not back yet
        body = damage.patch(way, {"kind": place.key.kind, **manifest})
        method = "DELETE" if body is None else "PATCH"
        if await self._client.attempt(method, place.path, body, actor=actor):
            self.damaged += 1

    def __str__(self) -> str:
        return f"{self.made} namespaces made, {self.deleted} deleted, {self.damaged} objects damaged"
