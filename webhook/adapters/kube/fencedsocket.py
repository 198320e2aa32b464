"""Sockets that send nothing once their time is over: the last look before bytes leave the process.

Between a look at the fence in front of a call and the moment its bytes go to the kernel, other tasks run;
a process that is frozen in between would send them when it thaws, long after somebody else leads. Here
nothing is left in between. It holds on asyncio's own event loop; uvloop writes past Python's sockets.
"""

import errno
import socket
from collections.abc import Callable
from typing import Any


class FencedSocket(socket.socket):
    """`fence` says for how many seconds something may still be sent."""

    fence: Callable[[], float]

    def send(self, data: Any, flags: int = 0, /) -> int:
        self._look()
        return super().send(data, flags)

    def sendmsg(self, *arguments: Any) -> int:
        self._look()
        return super().sendmsg(*arguments)

    def _look(self) -> None:
        if self.fence() <= 0:
            raise BrokenPipeError(errno.EPIPE, "this replica does not lead any more: nothing was sent")


def factory(fence: Callable[[], float]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Makes the sockets of a connector, from what getaddrinfo tells of an address."""

    def make(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        made = FencedSocket(family, kind, protocol)
        made.fence = fence
        return made

    return make
