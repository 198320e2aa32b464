"""The event loop of a run: the product's own, so that the client costs no more than it has to."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

from tools.chaos import farewell

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_to_the_end(work))


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    before = farewell.sockets()
    try:
        return await work
    finally:
        await farewell.until_closed(before)
