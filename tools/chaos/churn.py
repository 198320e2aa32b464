"""Managed namespaces come, change, are damaged and go, at a steady rate."""

import random
from collections.abc import Sequence
from dataclasses import replace

from tools.chaos import damage
from tools.chaos.cluster import Outcome, Request
from tools.chaos.pace import Pace
from tools.chaos.writes import Sender

MIX = {"damage": 14, "change the tier": 4, "create": 1, "delete": 1}
"""Shares of all changes. A deletion costs the cluster some seventy calls of its own."""

PASSING = (200, 201, 404, 409)
"""What is damaged may be gone, or going, by an earlier change."""


class Churn:
    """Stop its `pace` to end it; `outcomes` are all answers, in the order in which they came.

    `alive` are the namespaces that have not been deleted. The names of the others are used again, so that
    some are other objects than before.
    """

    def __init__(self, sender: Sender, names: Sequence[str], *, rate: float, seed: int) -> None:
        self.pace = Pace(rate)
        self.outcomes: list[Outcome] = []
        self._sender = sender
        self._random = random.Random(seed)  # noqa: S311 - a reproducible choice, no secret
        self.alive = list(names)
        self._gone: list[str] = []

    @property
    def unexpected(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.as_wanted]

    async def run(self) -> None:
        await self.pace.run(self._change)

    async def _change(self, due: float) -> None:
        outcome = await self._sender.send(replace(self._request(), wanted=PASSING))
        self.outcomes.append(outcome)
        request = outcome.request
        if request.what == "create":  # a namespace that is still going is in the way of its namesake
            (self.alive if outcome.status == 201 else self._gone).append(request.name)
        if request.what == "delete":
            self._gone.append(request.name)

    def _request(self) -> Request:
        kind = self._random.choices(list(MIX), list(MIX.values()))[0]
        if kind == "create" and self._gone:
            return damage.create(self._taken(self._gone))
        if kind == "delete" and len(self.alive) > 1:
            return damage.delete(self._taken(self.alive))
        name = self._random.choice(self.alive)
        if kind == "change the tier":
            return damage.change_tier(name, self._random.choice(("small", "medium", "large")))
        return self._random.choice(damage.every(name))

    def _taken(self, names: list[str]) -> str:
        return names.pop(self._random.randrange(len(names)))
