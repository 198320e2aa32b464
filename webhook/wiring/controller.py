"""The controller role: what observes, what decides and what writes."""

import platform
from contextlib import AsyncExitStack

from webhook.adapters.cluster_sink import ClusterSink
from webhook.adapters.kube import elector
from webhook.adapters.kube.elector import Elector
from webhook.adapters.kube.events import EventRecorder
from webhook.adapters.kube.transport import Transport
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
from webhook.wiring import kube
from webhook.wiring.context import Context, Service


async def service(context: Context, stack: AsyncExitStack) -> Service:
    transport = await kube.transport(context, stack, metrics=context.metrics)
    # A renewal of the Lease must not wait behind the writes of the work it stands for.
    return _service(context, transport, _elector(context, await kube.transport(context, stack)))


def _elector(context: Context, transport: Transport) -> Elector:
    settings = context.settings
    made = Elector(
        transport,
        namespace=settings.lease_namespace or elector.home(in_pod=settings.kubeconfig is None),
        identity=elector.identity(),
        clock=context.clock,
        metrics=context.metrics,
        log=context.log,
    )
    context.informers["leader"] = made.leader
    return made


def _service(context: Context, transport: Transport, elector: Elector) -> ControllerService:
    queue = KeyedQueue()
    fenced = transport.fenced(elector.seconds_left)
    view = ClusterView(transport, on_change=queue.add, metrics=context.metrics, log=context.log)
    sink = ClusterSink(fenced, clock=context.clock, wrote=view.wrote)
    events = EventRecorder(fenced, clock=context.clock, instance=platform.node(), metrics=context.metrics)
    gate = RolloutGate(context.policy, queue.add)
    targets = Targets(Ledger(view, queue.add, context.metrics), gate)
    reconciler = Reconciler(
        reader=view,
        sink=sink,
        events=events,
        targets=targets,
        repairs=Repairs(),
        policy=context.policy,
        server_now=transport.server_time.now,
        clock=context.clock,
        metrics=context.metrics,
        log=context.log,
    )
    loop = Loop(queue, reconciler.reconcile, metrics=context.metrics, log=context.log, begin=targets.reset)
    expirer = _expirer(context, transport, NamespaceReaper(fenced), view, sink, events)
    targets.note(context.policy())
    context.on_catalogue.append(lambda: targets.note(context.policy()))  # a standby has to remember, too
    _tell(context, view, gate, elector)
    return ControllerService(view, (loop, gate, expirer, events), elector)


def _expirer(
    context: Context,
    transport: Transport,
    reaper: NamespaceReaper,
    view: ClusterView,
    sink: ClusterSink,
    events: EventRecorder,
) -> Expirer:
    return Expirer(
        reader=view,
        reaper=reaper,
        idle=IdleWatch(reader=view, marks=sink, policy=context.policy, log=context.log),
        policy=context.policy,
        server_now=transport.server_time.now,
        clock=context.clock,
        events=events,
        metrics=context.metrics,
        log=context.log,
    )


def _tell(context: Context, view: ClusterView, gate: RolloutGate, elector: Elector) -> None:
    """What readiness, metrics and a changed catalogue ask the parts for."""
    context.checks["controller"] = lambda: None if view.is_synced() else "the first list is not complete"
    context.on_catalogue.append(view.resync)
    context.metrics.rollout_waiting.set_function(lambda: len(gate))
    context.metrics.tell_namespaces(
        lambda: map(namespaces.identity, view.namespaces()) if elector.is_leader() else ()
    )
