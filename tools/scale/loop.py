"""The event loop of a run: the product's own, so that the client costs no more than it has to."""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")

FAREWELL_LOOKS = 500
_POLL_SECONDS = 0.01


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_to_the_end(work))


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """A watch that was cancelled still says goodbye over TLS; a loop that is closed meanwhile fails."""
    before = _sockets()
    try:
        return await work
    finally:
        for _ in range(FAREWELL_LOOKS):
            if not _sockets() - before:
                break
            await asyncio.sleep(_POLL_SECONDS)


def _sockets() -> set[str]:
    """The open sockets of this process, as the kernel numbers them."""
    found = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed since
            found.add(os.readlink(file))
    return {name for name in found if name.startswith("socket:")}
