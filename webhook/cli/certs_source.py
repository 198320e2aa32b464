"""What `nsp certs show` and `nsp certs check` look at: options, and reading from the cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from webhook import settings

if TYPE_CHECKING:  # the client takes longer to import than the rest of the command
    from webhook.adapters.kube.transport import Transport
    from webhook.adapters.pki.source import Source

Result = TypeVar("Result")


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--dir`, `--secret` and `--kubeconfig`, as `folder`, `secret` and `kubeconfig`."""
    for option in (
        click.option(
            "--kubeconfig", type=click.Path(path_type=Path), help="The cluster [variable: KUBECONFIG]."
        ),
        click.option("--secret", metavar="NAMESPACE/NAME", help="A Secret of the cluster with these keys."),
        click.option(
            "--dir",
            "folder",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            help="A folder with tls.crt, tls.key and ca.crt.",
        ),
    ):
        command = option(command)
    return command


def load(folder: Path | None, secret: str | None, kubeconfig: Path | None) -> "Source":
    """From the folder, or else from the Secret."""
    from webhook.adapters.pki import source as certsource

    if folder is not None:
        return certsource.folder(folder)
    namespace, _, name = (secret or "").partition("/")
    if not namespace or not name or "/" in name:
        raise click.BadParameter("give it as NAMESPACE/NAME", param_hint="--secret")
    return in_cluster(kubeconfig, lambda transport: certsource.secret(transport, namespace, name))


def in_cluster(kubeconfig: Path | None, ask: "Callable[[Transport], Awaitable[Result]]") -> Result:
    """The answer of `ask`, which gets a transport to the cluster."""

    async def run() -> Result:
        from webhook.adapters.kube import config
        from webhook.adapters.kube.transport import Transport

        async with Transport(await config.load(kubeconfig or settings.kubeconfig())) as transport:
            return await ask(transport)

    return asyncio.run(run())
