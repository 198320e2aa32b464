"""The changes are those that make sense for what there is, and the damage reaches every object."""

import asyncio
import itertools

from tests.chaos.test_writes import answered
from tools.chaos import churn, damage, leaders
from tools.chaos.churn import Churn
from tools.chaos.cluster import Outcome, Request


class Model:
    """A cluster in which a deleted namespace is in the way of its namesake, the first time it is asked."""

    def __init__(self, names: list[str]) -> None:
        self.alive = set(names)
        self.going: set[str] = set()
        self.kinds: set[str] = set()
        self.made_again: set[str] = set()

    async def send(self, request: Request) -> Outcome:
        await asyncio.sleep(0)
        self.kinds.add(request.what)
        name = request.name
        if request.what == "create":
            if name in self.going:
                self.going.remove(name)
                return answered(request, 409)
            assert name not in self.alive
            self.alive.add(name)
            self.made_again.add(name)
            return answered(request, 201)
        assert name in self.alive
        if request.what == "delete":
            self.alive.remove(name)
            self.going.add(name)
        return answered(request, 200)


def test_names_come_back_and_every_kind_of_change_is_made() -> None:
    async def run() -> tuple[Model, Churn]:
        names = [f"churn-{number}" for number in range(5)]
        model = Model(names)
        load = Churn(model, names, rate=2000, seed=1)
        running = asyncio.create_task(load.run())
        async with asyncio.timeout(30):
            while load.pace.started < 400:  # noqa: ASYNC110 - a pace tells nobody
                await asyncio.sleep(0.01)
            load.pace.stop()
            await running
        return model, load

    model, load = asyncio.run(run())
    assert model.made_again
    assert set(load.alive) == model.alive
    assert not load.unexpected
    damaged = {request.what for request in damage.every("any")}
    assert model.kinds == damaged | (set(churn.MIX) - {"damage"})


def test_an_answer_that_no_earlier_change_explains_is_kept() -> None:
    class Broken:
        async def send(self, request: Request) -> Outcome:
            load.pace.stop()
            return answered(request, 500)

    load = Churn(Broken(), ["a", "b"], rate=100, seed=1)
    asyncio.run(load.run())
    assert [outcome.status for outcome in load.unexpected] == [500] * load.pace.started


def test_damage_comes_round_to_every_object_of_every_namespace() -> None:
    targets: list[str] = []

    class Noting:
        async def send(self, request: Request) -> Outcome:
            targets.append(request.path)
            if len(targets) == rounds * objects:
                load.pace.stop()
            return answered(request, 200)

    names = ["a", "b", "c"]
    rounds, objects = 2, len(names) * len(damage.every("any"))
    load = leaders.Damaging(Noting(), names)
    load.pace.rate = 1000
    asyncio.run(load.run())
    first, second = itertools.islice(targets, objects), itertools.islice(targets, objects, 2 * objects)
    assert len(set(first)) == objects
    assert set(second) == set(targets)
