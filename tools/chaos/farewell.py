"""Waits for connections to end: a watch that was cancelled still says goodbye over TLS.

uvloop cannot be closed while one does.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

LOOKS = 500
_POLL_SECONDS = 0.01


def sockets() -> set[str]:
    """The open sockets of this process, as the kernel numbers them."""
    found = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed since
            found.add(os.readlink(file))
    return {name for name in found if name.startswith("socket:")}


async def until_closed(before: set[str]) -> None:
    """Return when no other sockets are open than `before`, or after five seconds."""
    for _ in range(LOOKS):
        if not sockets() - before:
            return
        await asyncio.sleep(_POLL_SECONDS)
