"""The composition root: settings in, running roles out. Everything is put together here."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from webhook import ports, telemetry
from webhook.adapters import catalogue_file
from webhook.settings import Address, Settings
from webhook.web import admission, app, health
from webhook.web.server import Listener

if TYPE_CHECKING:
    from webhook.adapters.kube.transport import Transport


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


async def serve(settings: Settings, *, clock: ports.Clock, log: telemetry.Log) -> None:
    """Run the roles until SIGTERM or SIGINT. Raises NsProvisionerError when they cannot start."""
    logging.getLogger().addHandler(telemetry.LibraryLogHandler(log))
    policy = catalogue_file.load(settings.catalogue)
    context = Context(settings, lambda: policy, clock, log, telemetry.Metrics())
    async with AsyncExitStack() as stack:
        await _run(await _services(context, stack), context)
    log.info("stopped")


async def _run(services: list[Service], context: Context) -> None:
    """Run all services until a signal; one that ends by itself takes the process down."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    context.log.info("started", roles=sorted(context.settings.roles))

    async def keep(service: Service) -> None:
        await service.run()
        if not stopping.is_set():
            raise RuntimeError(f"{type(service).__name__} has ended by itself")

    async with asyncio.TaskGroup() as group:
        for service in services:
            group.create_task(keep(service))
        await stopping.wait()
        context.log.info("stopping")
        for service in services:
            service.stop()


async def _services(context: Context, stack: AsyncExitStack) -> list[Service]:
    """The roles asked for. Only those that talk to the API server import the Kubernetes client."""
    roles = context.settings.roles
    services: list[Service] = _admission(context) if "admission" in roles else []
    if roles & {"controller", "api"}:
        transport = await _transport(context, stack)
        if "controller" in roles:
            services.append(_controller(context, transport))
        if "api" in roles:
            services.append(_api(context, transport))
    return [*services, _health(context)]


def _health(context: Context) -> Listener:
    routes = health.routes(context.checks, context.metrics)
    listener = Listener(app.build(routes), *context.settings.health_listen, flag="--health-listen")
    _announce(context, "health", context.settings.health_listen, listener)
    return listener


def _admission(context: Context) -> list[Service]:
    from webhook.adapters.certificate import CertificateWatcher, ServingCertificate

    settings = context.settings
    assert settings.tls_cert is not None  # settings.load saw to it
    assert settings.tls_key is not None
    serving = ServingCertificate(settings.tls_cert, settings.tls_key)
    watcher = CertificateWatcher(serving, clock=context.clock, metrics=context.metrics, log=context.log)
    routes = admission.routes(context.policy, context.metrics, context.log)
    listener = Listener(
        app.build(routes), *settings.admission_listen, flag="--admission-listen", tls=serving.context
    )
    context.checks["admission"] = _unless(lambda: listener.started, "not serving")
    context.checks["certificate"] = watcher.expired
    _announce(context, "admission", settings.admission_listen, listener)
    return [listener, watcher]


async def _transport(context: Context, stack: AsyncExitStack) -> "Transport":
    from webhook.adapters.kube import config
    from webhook.adapters.kube.transport import Transport

    access = await config.load(context.settings.kubeconfig)
    return await stack.enter_async_context(Transport(access))


def _controller(context: Context, transport: "Transport") -> Service:
    from webhook.adapters.cluster_sink import ClusterSink
    from webhook.adapters.kube.view import ClusterView
    from webhook.controller.loop import Loop
    from webhook.controller.queue import KeyedQueue
    from webhook.controller.reconcile import Reconciler
    from webhook.controller.service import ControllerService

    metrics, log = context.metrics, context.log
    queue = KeyedQueue()
    view = ClusterView(transport, on_change=queue.add, metrics=metrics, log=log)
    reconciler = Reconciler(
        reader=view,
        sink=ClusterSink(transport, clock=context.clock, wrote=view.wrote),
        policy=context.policy,
        clock=context.clock,
        metrics=metrics,
        log=log,
    )
    context.checks["controller"] = _unless(view.is_synced, "the first list is not complete")
    return ControllerService(view, Loop(queue, reconciler.reconcile, metrics=metrics, log=log))


def _api(context: Context, transport: "Transport") -> Listener:
    from webhook.adapters.kube.gateway import NamespaceGateway
    from webhook.adapters.tokens import StaticTokens
    from webhook.web.api import Api

    settings = context.settings
    assert settings.api_tokens is not None  # settings.load saw to it
    api = Api(
        policy=context.policy,
        tokens=StaticTokens.load(settings.api_tokens),
        gateway=NamespaceGateway(transport),
        log=context.log,
    )
    listener = Listener(app.build(api.routes()), *settings.api_listen, flag="--api-listen")
    context.checks["api"] = _unless(lambda: listener.started, "not serving")
    _announce(context, "api", settings.api_listen, listener)
    return listener


def _announce(context: Context, role: str, asked: Address, listener: Listener) -> None:
    """Port 0 asks for any free port: this line tells which it is."""
    context.log.info("listening", role=role, address=str(Address(asked.host, listener.port)))


def _unless(good: Callable[[], bool], wrong: str) -> health.Check:
    return lambda: None if good() else wrong
