"""The way to the API server that the controller and the API role have."""

from contextlib import AsyncExitStack

from webhook import telemetry
from webhook.adapters.kube import config
from webhook.adapters.kube.transport import Transport
from webhook.wiring.context import Context


async def transport(
    context: Context, stack: AsyncExitStack, *, metrics: telemetry.Metrics | None = None
) -> Transport:
    access = await config.load(context.settings.kubeconfig)
    return await stack.enter_async_context(Transport(access, metrics=metrics))
