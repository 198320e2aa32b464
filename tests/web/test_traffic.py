"""Who gives way when too many are connected, and when it is quiet."""

import asyncio
from dataclasses import dataclass, field

import pytest

from webhook.web.traffic import Traffic

pytestmark = pytest.mark.anyio


@dataclass(eq=False)
class Peer:
    """Implements traffic.Peer, and remembers what it was told."""

    in_hand: bool = False
    told: list[str] = field(default_factory=list)

    def give_way(self) -> None:
        self.told.append("give way")

    def abort(self) -> None:
        self.told.append("abort")

    def finish(self) -> None:
        self.told.append("finish")

    def shutdown(self) -> None:
        self.told.append("shut down")


def _gone(peers: list[Peer]) -> list[int]:
    return [number for number, peer in enumerate(peers) if peer.told]


@pytest.fixture
def three() -> tuple[Traffic, list[Peer]]:
    """As many as there may be."""
    traffic, peers = Traffic(limit=3), [Peer(), Peer(), Peer()]
    for peer in peers:
        traffic.came(peer)
    assert _gone(peers) == []
    return traffic, peers


async def test_the_oldest_that_never_had_an_answer_goes_first(three: tuple[Traffic, list[Peer]]) -> None:
    traffic, peers = three
    traffic.answered(peers[0])
    traffic.came(Peer())
    assert _gone(peers) == [1]
    traffic.came(Peer())
    assert _gone(peers) == [1, 2]


async def test_then_the_one_that_has_been_idle_longest(three: tuple[Traffic, list[Peer]]) -> None:
    traffic, peers = three
    for number in (0, 1, 2, 0):
        traffic.answered(peers[number])
    for expected in ([1], [1, 2], [0, 1, 2]):
        fresh = Peer()
        traffic.came(fresh)
        traffic.answered(fresh)
        assert _gone(peers) == expected


async def test_nobody_goes_who_is_waiting_for_an_answer(three: tuple[Traffic, list[Peer]]) -> None:
    traffic, peers = three
    peers[0].in_hand = peers[1].in_hand = True
    traffic.came(Peer())
    assert _gone(peers) == [2]


async def test_who_has_left_makes_room(three: tuple[Traffic, list[Peer]]) -> None:
    traffic, peers = three
    traffic.left(peers[1])
    traffic.came(Peer())
    assert _gone(peers) == []
    traffic.left(peers[1])


async def test_draining_tells_everybody_and_so_does_the_end(three: tuple[Traffic, list[Peer]]) -> None:
    traffic, peers = three
    traffic.answered(peers[0])
    traffic.drain()
    traffic.dismiss()
    traffic.cut_off()
    assert [peer.told for peer in peers] == [["finish", "shut down", "abort"]] * 3


async def test_it_is_empty_when_all_have_left(three: tuple[Traffic, list[Peer]]) -> None:
    traffic, peers = three
    waiting = asyncio.create_task(traffic.empty())
    for peer in peers:
        await asyncio.sleep(0)
        assert not waiting.done()
        traffic.left(peer)
    await waiting
    await traffic.empty()


async def test_it_is_quiet_when_nobody_has_used_us_for_that_long() -> None:
    traffic, peer = Traffic(limit=3), Peer()
    loop = asyncio.get_running_loop()
    traffic.came(peer)
    traffic.drain()
    quiet = asyncio.create_task(traffic.quiet(0.05))
    for _ in range(5):
        last = loop.time()
        traffic.answered(peer)
        await asyncio.sleep(0.02)
    await quiet
    assert loop.time() - last >= 0.05


async def test_no_quiet_period_is_over_at_once() -> None:
    traffic = Traffic(limit=3)
    traffic.drain()
    quiet = asyncio.create_task(traffic.quiet(0))
    await asyncio.sleep(0)
    assert quiet.done()
