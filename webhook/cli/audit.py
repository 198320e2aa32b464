"""`nsp audit`: every namespace that the rules in force would not have let in."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from webhook import settings
from webhook.adapters import catalogue_file
from webhook.adapters.kube import config, livecatalogue, residents
from webhook.adapters.kube.livecatalogue import Live
from webhook.adapters.kube.transport import Transport
from webhook.cli import options
from webhook.core import sweep, wording
from webhook.core.errors import InvalidPolicyError, NsProvisionerError
from webhook.core.sweep import Finding, Resident, Sweep


@click.command("audit")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="The cluster [variable: KUBECONFIG].")
@options.catalogue(" to look with, instead of the one that the cluster has in its ConfigMap")
@click.option(
    "--namespace", default="ns-provisioner", show_default=True, help="Where the catalogue's ConfigMap is."
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(kubeconfig: Path | None, catalogue_path: Path | None, namespace: str, output: str) -> None:
    """List every namespace that the rules in force would not have let in, or that lacks what admission gives.

    Nothing is written. The exit code is 0 when there is none, 1 when there are some, 2 when that could
    not be found out.
    """
    try:
        given = Live(catalogue_file.load(catalogue_path), _file(catalogue_path))
        live, found = asyncio.run(_gather(kubeconfig or settings.kubeconfig(), namespace))
        used = given if catalogue_path or not live else live
    except NsProvisionerError as error:
        click.echo(f"nsp: {_words(error)}", err=True)
        sys.exit(2)
    swept = sweep.of(used.policy, found)
    for line in _text(swept, used) if output == "text" else _json(swept, used):
        click.echo(line)
    sys.exit(1 if swept.violators else 0)


async def _gather(kubeconfig: Path | None, namespace: str) -> tuple[Live | None, list[Resident]]:
    async with Transport(await config.load(kubeconfig)) as transport:
        return await livecatalogue.load(transport, namespace), await residents.load(transport)


def _words(error: NsProvisionerError) -> str:
    """A broken catalogue is told of with all that is wrong with it, a problem on a line."""
    if isinstance(error, InvalidPolicyError):
        return f"the tier catalogue {error.source} cannot be used:\n{error}".replace("\n", "\n  ")
    return str(error)


def _file(catalogue_path: Path | None) -> str:
    return f"file {catalogue_path}" if catalogue_path else "the built-in catalogue"


def _text(found: Sweep, used: Live) -> Iterator[str]:
    for each in found.findings:
        yield f"{each.namespace}: {wording.sentence(each.violation)}{_mark(each)}"
    broken = sum(each.enforced for each in found.findings)
    yield (
        f"{len(found.violators)} of {found.looked_at} namespaces break a rule (violations: {broken}, "
        f"notes: {len(found.findings) - broken}); not looked at: {found.exempt} exempt, "
        f"{found.terminating} terminating"
    )
    yield f"rules: {used.source}, revision {used.policy.revision}"


def _mark(each: Finding) -> str:
    return "" if each.enforced else " (a note only)"


def _json(found: Sweep, used: Live) -> Iterator[str]:
    content: dict[str, Any] = {
        "catalogue": {"source": used.source, "revision": used.policy.revision},
        "lookedAt": found.looked_at,
        "exempt": found.exempt,
        "terminating": found.terminating,
        "violators": found.violators,
        "findings": [_plain(each) for each in found.findings],
    }
    yield msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _plain(each: Finding) -> dict[str, Any]:
    violation = each.violation
    return {
        "namespace": each.namespace,
        "rule": violation.rule,
        "path": violation.path,
        "sent": violation.sent,
        "allowed": violation.allowed,
        "suggestion": violation.suggestion,
        "enforced": each.enforced,
    }
