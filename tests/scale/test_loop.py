"""A run's loop ends in good order, whatever its connections still have to say."""

import asyncio
import gc
import socket

import pytest

from tools.scale import loop


def test_a_run_gives_what_the_work_gives() -> None:
    async def work() -> int:
        return 7

    assert loop.run(work()) == 7


def test_a_run_fails_as_the_work_does() -> None:
    async def work() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        loop.run(work())


def test_a_connection_that_closes_late_is_waited_for() -> None:
    one, other = socket.socketpair()
    closed = []

    def close() -> None:
        one.close()
        other.close()
        closed.append(True)

    async def work() -> None:
        nonlocal one, other
        one.close()
        other.close()
        one, other = socket.socketpair()
        asyncio.get_running_loop().call_later(0.05, close)

    loop.run(work())
    gc.collect()
    assert closed == [True]
