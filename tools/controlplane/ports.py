"""Reserves loopback ports without a race.

A reservation is a bound socket that never listens. It keeps the port from being given to anybody
else while a server that also sets SO_REUSEPORT may listen on it; connections reach only listeners.
"""

import errno
import socket
from dataclasses import dataclass
from typing import Self

from tools.controlplane.errors import ControlPlaneError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reservation:
    port: int
    _holder: socket.socket

    def close(self) -> None:
        self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reserve(port: int | None = None) -> Reservation:
    """A free port, or exactly this one; an error when it is taken."""
    if port is not None:
        # With SO_REUSEPORT a port that a server is ready to share would look like a free one.
        # SO_REUSEADDR overlooks what lingers of closed connections.
        _bind(port, socket.SO_REUSEADDR).close()
    holder = _bind(port or 0, socket.SO_REUSEPORT)
    return Reservation(holder.getsockname()[1], holder)


def _bind(port: int, option: int) -> socket.socket:
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        holder.bind((HOST, port))
    except (OSError, OverflowError) as error:
        holder.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is taken: end what uses it" if taken else f"cannot be used ({error}): change the rights"
        raise ControlPlaneError(f"port {port} on {HOST} {reason} or choose another port") from error
    return holder
