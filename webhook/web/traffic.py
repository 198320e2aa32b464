"""Who is connected to a listener: how many there may be, who gives way, and when they have gone quiet."""

import asyncio
import itertools
from typing import Protocol

CONNECTIONS_LIMIT = 1024
"""Open connections, those still in their handshake included; each takes some 90 KB. Three API servers
with 200 writes in flight each, all on one replica, need fewer."""


class Peer(Protocol):
    """A connection, from its first byte on: it may not have got through its handshake."""

    @property
    def in_hand(self) -> bool:
        """Whether a whole request has arrived and is not answered yet."""
        ...

    def give_way(self) -> None:
        """End at once, for another's sake."""
        ...

    def abort(self) -> None:
        """End at once, with or without an answer."""
        ...

    def finish(self) -> None:
        """End with the answer to the request in hand, if there is one."""
        ...

    def shutdown(self) -> None:
        """End, but not before the request in hand is answered."""
        ...


class Traffic:
    """The peers of one listener, in the order in which they give way to new ones.

    Those that have not had one answer yet go first, the oldest first, since an API server has its
    answer within milliseconds; then those that have been idle longest.
    """

    def __init__(self, limit: int) -> None:
        self.draining = False
        self._limit = limit
        self._last_use = 0.0  # in the loop's time; kept only while draining
        self._new: dict[Peer, None] = {}
        self._known: dict[Peer, None] = {}
        self._empty = asyncio.Event()

    def came(self, peer: Peer) -> None:
        """A peer has come; if that is one too many, another goes."""
        if len(self._new) + len(self._known) >= self._limit:
            self.make_room()
        self._new[peer] = None
        self._empty.clear()

    def left(self, peer: Peer) -> None:
        self._new.pop(peer, None)
        self._known.pop(peer, None)
        if not (self._new or self._known):
            self._empty.set()

    def answered(self, peer: Peer) -> None:
        if peer in self._new:
            del self._new[peer]
        else:
            self._known.pop(peer, None)
        self._known[peer] = None
        self.used()

    def used(self) -> None:
        """Somebody has connected, asked or been answered, and so still counts on us."""
        if self.draining:
            self._last_use = asyncio.get_running_loop().time()

    def make_room(self) -> None:
        """The first in the order gives way, unless it is waiting for an answer of ours."""
        waiting = (peer for peer in itertools.chain(self._new, self._known) if not peer.in_hand)
        peer = next(waiting, None)
        if peer is not None:
            self.left(peer)
            peer.give_way()

    def drain(self) -> None:
        """From now on every answer ends its connection."""
        self.draining = True
        self.used()
        for peer in itertools.chain(self._new, self._known):
            peer.finish()

    def dismiss(self) -> None:
        """Nobody is to stay who is not waiting for an answer."""
        for peer in [*self._new, *self._known]:
            peer.shutdown()

    def cut_off(self) -> None:
        """Nobody is to stay at all."""
        for peer in [*self._new, *self._known]:
            peer.abort()

    async def quiet(self, seconds: float) -> None:
        """Wait until that long nobody has used us."""
        loop = asyncio.get_running_loop()
        while (left := self._last_use + seconds - loop.time()) > 0:  # noqa: ASYNC110 - no event says "nothing"
            await asyncio.sleep(left)

    async def empty(self) -> None:
        """Wait until nobody is connected."""
        if self._new or self._known:
            await self._empty.wait()
