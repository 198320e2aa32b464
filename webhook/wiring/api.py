"""The API role."""

from contextlib import AsyncExitStack

from webhook.adapters.kube.gateway import NamespaceGateway
from webhook.adapters.tokens import StaticTokens
from webhook.web import app
from webhook.web.api import Api
from webhook.web.server import Listener
from webhook.wiring import kube
from webhook.wiring.context import Context


async def service(context: Context, stack: AsyncExitStack) -> Listener:
    settings = context.settings
    assert settings.api_tokens is not None  # settings.load saw to it
    transport = await kube.transport(context, stack)
    api = Api(
        policy=context.policy,
        tokens=StaticTokens.load(settings.api_tokens),
        gateway=NamespaceGateway(transport),
        log=context.log,
    )
    listener = Listener(app.build(api.routes(), problems=True), *settings.api_listen, flag="--api-listen")
    context.checks["api"] = listener.unready
    context.announce("api", settings.api_listen, listener)
    return listener
