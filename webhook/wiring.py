"""The composition root: settings in, running roles out. Everything is put together here."""

import asyncio
import logging
import os
import platform
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from webhook import ports, telemetry
from webhook.adapters.catalogue_file import CatalogueInForce
from webhook.adapters.polling import Poller
from webhook.settings import Address, Settings
from webhook.web import admission, app, health
from webhook.web.record import Recorder
from webhook.web.server import Listener, raise_file_limit

if TYPE_CHECKING:
    from webhook.adapters.kube.elector import Elector
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
    informers: dict[str, health.Informer] = field(default_factory=dict)
    on_catalogue: list[Callable[[], None]] = field(default_factory=list)

    def catalogue_changed(self) -> None:
        """Tell who acts on the catalogue; everybody else asks for it anew with every request."""
        for act in self.on_catalogue:
            act()


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
    services: list[Service] = _admission(context) if "admission" in roles else []
    if roles & {"controller", "api"}:
        transport = await _transport(context, stack, metrics=context.metrics)
        if "controller" in roles:
            elector = _elector(context, await _transport(context, stack))
            services.append(_controller(context, transport, elector))
        if "api" in roles:
            services.append(_api(context, transport))
    return services


def _health(context: Context) -> Listener:
    routes = health.routes(context.checks, context.metrics, context.informers)
    listener = Listener(app.build(routes), *context.settings.health_listen, flag="--health-listen")
    _announce(context, "health", context.settings.health_listen, listener)
    return listener


def _admission(context: Context) -> list[Service]:
    from webhook.adapters import tls
    from webhook.adapters.certificate import CertificateWatcher, ServingCertificate

    settings = context.settings
    assert settings.tls_cert is not None  # settings.load saw to it
    assert settings.tls_key is not None
    serving = ServingCertificate(settings.tls_cert, settings.tls_key, settings.admission_client_ca)
    watcher = CertificateWatcher(serving, clock=context.clock, metrics=context.metrics, log=context.log)
    recorder = Recorder(context.metrics, context.log, allowed_every=settings.log_allowed_every)
    listener = Listener(
        app.build(admission.routes(context.policy, context.clock, recorder)),
        *settings.admission_listen,
        flag="--admission-listen",
        tls=serving.context,
        admits=tls.admits(settings.admission_client_subjects) if settings.admission_client_ca else None,
        refused=lambda reason: context.metrics.refused_connections.labels(reason).inc(),
        quiet=settings.drain_quiet,
        grace=settings.drain_grace,
    )
    context.checks["admission"] = listener.unready
    context.checks["certificate"] = watcher.expired
    context.informers["certificate"] = watcher.days_left
    _announce(context, "admission", settings.admission_listen, listener)
    return [listener, Poller(watcher.look)]


async def _transport(
    context: Context, stack: AsyncExitStack, *, metrics: telemetry.Metrics | None = None
) -> "Transport":
    from webhook.adapters.kube import config
    from webhook.adapters.kube.transport import Transport

    access = await config.load(context.settings.kubeconfig)
    return await stack.enter_async_context(Transport(access, metrics=metrics))


def _elector(context: Context, transport: "Transport") -> "Elector":
    """On a transport of its own: a renewal must not wait behind the writes of the work it stands for."""
    from webhook.adapters.kube import elector

    settings = context.settings
    made = elector.Elector(
        transport,
        namespace=settings.lease_namespace or elector.home(in_pod=settings.kubeconfig is None),
        identity=elector.identity(),
        clock=context.clock,
        metrics=context.metrics,
        log=context.log,
    )
    context.informers["leader"] = made.leader
    return made


def _controller(context: Context, transport: "Transport", elector: "Elector") -> Service:
    from webhook.adapters.cluster_sink import ClusterSink
    from webhook.adapters.kube.events import EventRecorder
    from webhook.adapters.kube.view import ClusterView
    from webhook.adapters.namespace_reaper import NamespaceReaper
    from webhook.codec import namespace as namespaces
    from webhook.controller.budgets import Ledger
    from webhook.controller.expiry import Expirer
    from webhook.controller.idleness import IdleWatch
    from webhook.controller.loop import Loop
    from webhook.controller.queue import KeyedQueue
    from webhook.controller.reconcile import Reconciler
    from webhook.controller.repairs import Repairs
    from webhook.controller.rollout import RolloutGate
    from webhook.controller.service import ControllerService
    from webhook.controller.target import Targets

    metrics, log, clock = context.metrics, context.log, context.clock
    queue = KeyedQueue()
    fenced = transport.fenced(elector.seconds_left)
    view = ClusterView(transport, on_change=queue.add, metrics=metrics, log=log)
    context.on_catalogue.append(view.resync)
    events = EventRecorder(fenced, clock=clock, instance=platform.node(), metrics=metrics)
    gate = RolloutGate(context.policy, queue.add)
    metrics.rollout_waiting.set_function(lambda: len(gate))
    sink = ClusterSink(fenced, clock=clock, wrote=view.wrote)
    server_now = transport.server_time.now
    targets = Targets(Ledger(view, queue.add, metrics), gate)
    reconciler = Reconciler(
        reader=view,
        sink=sink,
        events=events,
        targets=targets,
        repairs=Repairs(),
        policy=context.policy,
        server_now=server_now,
        clock=clock,
        metrics=metrics,
        log=log,
    )
    expirer = Expirer(
        reader=view,
        reaper=NamespaceReaper(fenced),
        idle=IdleWatch(reader=view, marks=sink, policy=context.policy, log=log),
        policy=context.policy,
        server_now=server_now,
        clock=clock,
        events=events,
        metrics=metrics,
        log=log,
    )
    metrics.tell_namespaces(
        lambda: map(namespaces.identity, view.namespaces()) if elector.is_leader() else ()
    )
    context.checks["controller"] = _unless(view.is_synced, "the first list is not complete")
    loop = Loop(queue, reconciler.reconcile, metrics=metrics, log=log, begin=targets.reset)
    return ControllerService(view, (loop, gate, expirer, events), elector)


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
    listener = Listener(app.build(api.routes(), problems=True), *settings.api_listen, flag="--api-listen")
    context.checks["api"] = listener.unready
    _announce(context, "api", settings.api_listen, listener)
    return listener


def _announce(context: Context, role: str, asked: Address, listener: Listener) -> None:
    """Port 0 asks for any free port: this line tells which it is."""
    context.log.info("listening", role=role, address=str(Address(asked.host, listener.port)))


def _unless(good: Callable[[], bool], wrong: str) -> health.Check:
    return lambda: None if good() else wrong
