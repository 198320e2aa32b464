"""`nsp serve`: run the roles until SIGTERM."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import click

from webhook import settings, telemetry, wiring
from webhook.adapters.clock import SystemClock


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """One option for every setting, so that flags, variables and help have one source."""
    for setting in reversed(settings.SERVE):
        default = f" [default: {setting.default}]" if setting.default else ""
        text = f"{setting.help} [variable: {setting.environment}]{default}"
        function = click.option(setting.flag, setting.name.replace("-", "_"), help=text)(function)
    return function


@click.command("serve")
@_options
def command(**flags: str | None) -> None:
    """Run the roles in one process until SIGTERM."""
    chosen = settings.load({name.replace("_", "-"): value for name, value in flags.items()})
    clock = SystemClock()
    with asyncio.Runner(loop_factory=_event_loop(chosen.roles)) as runner:
        runner.run(wiring.serve(chosen, clock=clock, log=telemetry.Log(clock.now)))


def _event_loop(roles: Collection[str]) -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop for those that answer, asyncio's own for a controller by itself.

    uvloop queues what is to be sent: a leader that is frozen then would send it when it thaws.
    """
    if set(roles) == {"controller"}:
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return asyncio.new_event_loop
    return uvloop.new_event_loop
