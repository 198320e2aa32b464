"""An election without a rival, for tests of what a leader does."""

from collections.abc import Awaitable, Callable


class Unopposed:
    """Implements the Elector of webhook.controller.service: leads at once and for ever."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        await lead()

    def stop(self) -> None:
        """Nothing to do: `lead` ends by itself."""
