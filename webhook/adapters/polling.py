"""Looking at a file again and again: by content, as mounted Secrets and ConfigMaps want it.

A file system's notifications do not reach through the symbolic links that a kubelet swaps.
"""

import asyncio
from collections.abc import Callable

POLL_SECONDS = 2.0
"""A kubelet takes up to a minute to bring new content anyway."""


class Poller:
    """Calls `look` in a thread every POLL_SECONDS, and `changed` in the loop when it returned true."""

    def __init__(self, look: Callable[[], bool], changed: Callable[[], None] = lambda: None) -> None:
        self._look = look
        self._changed = changed
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until stopped; the first look is at once."""
        while not self._stopping.is_set():
            if await asyncio.to_thread(self._look):
                self._changed()
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                pass  # time for another look

    def stop(self) -> None:
        self._stopping.set()
