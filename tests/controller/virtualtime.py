"""An event loop whose time is a number: it jumps to the next timer instead of waiting for it.

For code that uses timers and no sockets. A test of minutes runs in milliseconds, and always alike.
"""

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVarTuple

_Ts = TypeVarTuple("_Ts")

BACKEND = "asyncio", {"loop_factory": lambda: VirtualTimeLoop()}
"""What the fixture `anyio_backend` returns where a test wants this loop."""


class _Jumping(selectors.DefaultSelector):
    """Passes the time it was asked to wait in no time."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        self.elapsed += timeout
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        self._made: list[asyncio.TimerHandle] = []
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.elapsed

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        self._made.append(timer)
        return timer

    def timers(self) -> list[asyncio.TimerHandle]:
        """Those still to go off."""
        return [timer for timer in self._made if not timer.cancelled() and timer.when() > self.time()]


def running_loop() -> VirtualTimeLoop:
    loop: Any = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop
