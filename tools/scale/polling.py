"""Waiting for what nobody tells of."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tools.controlplane.errors import ControlPlaneError

T = TypeVar("T")

_POLL_SECONDS = 0.1


async def until(look: Callable[[], Awaitable[T | None]], what: str, *, limit: float) -> T:
    """What `look` returns as soon as that is not None; ControlPlaneError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"{what}: not within {limit:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)
    return found
