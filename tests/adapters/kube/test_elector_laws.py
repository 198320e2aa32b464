"""Never two leaders: whatever is slow, hangs, is lost, stands still or is written by hand."""

import asyncio
import random
from itertools import combinations, count

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.kube.leases import NEVER, LeaseServer, Link, Replica
from tests.controller.virtualtime import VirtualTimeLoop, running_loop
from webhook.core.errors import ClusterUnavailableError

SECONDS = 200.0
STEP = 0.1


class World:
    """Replicas on one server, to which things happen about once in so many seconds."""

    def __init__(self, dice: random.Random, *, trouble: float, rates: list[float]) -> None:
        self.dice = dice
        self.trouble = trouble
        self.server = LeaseServer()
        self.names = (f"replica-{number}" for number in count())
        self.replicas = [self.replica(rate) for rate in rates]
        self.terms = 0

    def replica(self, rate: float) -> Replica:
        made = Replica(self.server, next(self.names), rate=rate, jitter=self.dice.random)
        made.transport.link = lambda: self.link(made)
        made.start()
        return made

    def link(self, replica: Replica) -> Link:
        dice = self.dice
        if running_loop().time() < replica.cut_until:
            return Link(there=NEVER)
        if dice.random() >= self.trouble:
            return Link(there=dice.uniform(0, 0.2), back=dice.uniform(0, 0.2))
        slow = Link(there=dice.uniform(0, 0.3), back=dice.uniform(0, 3.6))
        late = Link(there=dice.uniform(0, 20), back=dice.uniform(0, 20))
        lost = Link(there=dice.uniform(0, 20), back=NEVER)
        return dice.choice([slow, slow, slow, slow, late, lost, Link(error=ClusterUnavailableError("503"))])

    async def pass_by(self) -> None:
        for step in range(int(SECONDS / STEP)):
            await asyncio.sleep(STEP)
            left = [(replica.name, replica.elector.seconds_left()) for replica in self.replicas]
            for one, other in combinations(left, 2):
                assert not (one[1] and other[1]), f"two lead after {step * STEP:.1f} s: {one} and {other}"
            self.happen()

    async def end(self) -> None:
        """With all troubles over, everybody stops in good order."""
        for replica in self.replicas:
            replica.transport.link = Link
            replica.elector.frozen_until = 0.0
            replica.stop()
        for replica in self.replicas:
            await replica.running
            self.terms += len(replica.terms)

    def happen(self) -> None:
        replica = self.dice.choice(self.replicas)
        if self.once_in(60):
            replica.cut_until = running_loop().time() + self.dice.uniform(5, 40)
        if replica.elector.is_leader() and self.once_in(10):
            replica.elector.frozen_until = running_loop().time() + self.dice.uniform(5, 30)
        if self.once_in(40):
            replica.stop()
        if self.trouble and self.once_in(90) and self.server.holder:
            self.interfere()
        for number, each in enumerate(self.replicas):
            if each.running.done():
                each.running.result()
                self.terms += len(each.terms)
                self.replicas[number] = self.replica(each.rate)

    def interfere(self) -> None:
        """Somebody's hand: everything but giving the Lease back in its holder's name."""
        names = [replica.name for replica in self.replicas]
        self.server.edit(
            holderIdentity=self.dice.choice([*names, "", "stranger"]),
            leaseDurationSeconds=self.dice.choice([15, 2, 60, None]),
        )

    def once_in(self, seconds: float) -> bool:
        return self.dice.random() < STEP / seconds


def terms(seed: int, trouble: float, rates: list[float]) -> int:
    """How often somebody came to lead in one story."""

    async def story() -> int:
        world = World(random.Random(seed), trouble=trouble, rates=rates)
        await world.pass_by()
        await world.end()
        return world.terms

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story())


@given(
    seed=st.integers(0, 2**32),
    trouble=st.sampled_from([0.0, 0.1, 0.5]),
    rates=st.lists(st.floats(0.96, 1.04), min_size=2, max_size=3),
)
@settings(max_examples=30, deadline=None)
def test_at_no_moment_have_two_replicas_time_left(seed: int, trouble: float, rates: list[float]) -> None:
    terms(seed, trouble, rates)


def test_the_stories_of_this_law_have_many_leaders() -> None:
    assert sum(terms(seed, trouble, [1.0, 1.0]) for seed in range(3) for trouble in (0.0, 0.1)) > 20
