"""What every role is built from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from webhook import ports, telemetry
from webhook.settings import Address, Settings
from webhook.web import health
from webhook.web.server import Listener


class Service(Protocol):
    """Something that runs until it is told to stop, and then ends in good order."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What every role is built from."""

    settings: Settings
    policy: ports.PolicySource
    clock: ports.Clock
    log: telemetry.Log
    metrics: telemetry.Metrics
    checks: dict[str, health.Check] = field(default_factory=dict)
    informers: dict[str, health.Informer] = field(default_factory=dict)
    on_catalogue: list[Callable[[], None]] = field(default_factory=list)

    def catalogue_changed(self) -> None:
        """Tell who acts on the catalogue; everybody else asks for it anew with every request."""
        for act in self.on_catalogue:
            act()

    def announce(self, role: str, asked: Address, listener: Listener) -> None:
        """Port 0 asks for any free port: this line tells which it is."""
        self.log.info("listening", role=role, address=str(Address(asked.host, listener.port)))
