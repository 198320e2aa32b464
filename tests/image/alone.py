"""Run as a script: a command in a network of its own, where every port is free and nobody else answers."""

import ctypes
import fcntl
import os
import socket
import struct
import sys

_NEW_NETWORK = 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        have = fcntl.ioctl(asked, _GET_FLAGS, struct.pack("16sH22x", b"lo", 0))
        _, flags = struct.unpack("16sH22x", have)
        fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sH22x", b"lo", flags | _UP))


def join(pid: int) -> None:
    """Take the calling thread into the network of another process."""
    with open(f"/proc/{pid}/ns/net") as network:
        _call("setns", network.fileno(), _NEW_NETWORK)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    _call("unshare", _NEW_NETWORK)
    loopback_up()
    os.execv(sys.argv[1], sys.argv[1:])
