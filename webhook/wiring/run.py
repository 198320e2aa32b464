"""Runs the roles asked for until a signal, and stops them in good order."""

import asyncio
import logging
import os
import signal
from contextlib import AsyncExitStack

from webhook import ports, telemetry
from webhook.adapters.catalogue_file import CatalogueInForce
from webhook.adapters.polling import Poller
from webhook.settings import Settings
from webhook.web import app, health
from webhook.web.server import Listener, raise_file_limit
from webhook.wiring.context import Context, Service


async def serve(settings: Settings, *, clock: ports.Clock, log: telemetry.Log) -> None:
    """Run the roles until SIGTERM or SIGINT. Raises NsProvisionerError when they cannot start."""
    logging.getLogger().addHandler(telemetry.LibraryLogHandler(log))
    raise_file_limit()
    metrics = telemetry.Metrics()
    catalogue = CatalogueInForce(settings.catalogue, metrics=metrics, log=log)
    context = Context(settings, catalogue, clock, log, metrics)
    context.informers["catalogue"] = catalogue.state
    async with AsyncExitStack() as stack:
        services = [*await _services(context, stack), Poller(catalogue.look, context.catalogue_changed)]
        await _run(services, _health(context), context)
    log.info("stopped")


class _Stop:
    """The first signal ends the process in good order, another one at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = False

    def signalled(self, number: signal.Signals) -> None:
        if self.asked.is_set():
            os._exit(128 + number)
        self.at_once = number == signal.SIGINT  # Ctrl-C: somebody is waiting at a terminal
        self.asked.set()


async def _run(services: list[Service], side_port: Service, context: Context) -> None:
    """Run everything until a signal; a service that ends by itself takes the process down.

    The side port goes last, so that who watches sees the others go.
    """
    stop = _Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.signalled, number)
    context.log.info("started", roles=sorted(context.settings.roles))

    async def keep(service: Service) -> None:
        await service.run()
        if not stop.asked.is_set():
            raise RuntimeError(f"{type(service).__name__} has ended by itself")

    async with asyncio.TaskGroup() as group:
        group.create_task(keep(side_port))
        running = [group.create_task(keep(service)) for service in services]
        await stop.asked.wait()
        context.log.info("stopping")
        for service in services:
            if isinstance(service, Listener):
                service.stop(at_once=stop.at_once)
            else:
                service.stop()
        await asyncio.wait(running)
        side_port.stop()


async def _services(context: Context, stack: AsyncExitStack) -> list[Service]:
    """The roles asked for. Only those that talk to the API server import the Kubernetes client."""
    roles = context.settings.roles
    services: list[Service] = []
    if "admission" in roles:
        from webhook.wiring import admission

        services += admission.services(context)
    if "controller" in roles:
        from webhook.wiring import controller

        services.append(await controller.service(context, stack))
    if "api" in roles:
        from webhook.wiring import api

        services.append(await api.service(context, stack))
    return services


def _health(context: Context) -> Listener:
    routes = health.routes(context.checks, context.metrics, context.informers)
    listener = Listener(app.build(routes), *context.settings.health_listen, flag="--health-listen")
    context.announce("health", context.settings.health_listen, listener)
    return listener
