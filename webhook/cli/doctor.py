"""`nsp doctor`: whether an installation works, and what to do where it does not."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
import msgspec

from webhook import settings
from webhook.adapters import catalogue_file
from webhook.adapters.clock import SystemClock
from webhook.adapters.kube import checkup, config
from webhook.adapters.kube.livecatalogue import Live
from webhook.adapters.kube.transport import Transport
from webhook.cli import options
from webhook.core import diagnosis
from webhook.core.diagnosis.model import LEVELS, Facts, Finding


@click.command("doctor")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="The cluster [variable: KUBECONFIG].")
@click.option("--namespace", default="ns-provisioner", show_default=True, help="Where the installation is.")
@options.catalogue(", where the cluster shows none in its ConfigMap")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(kubeconfig: Path | None, namespace: str, catalogue_path: Path | None, output: str) -> None:
    """Tell whether an installation works, and what to do where it does not.

    Nothing is changed: the two namespaces that are created to see admission at work are dry runs. The exit
    code is 1 when something does not work, 0 otherwise.
    """
    source = f"file {catalogue_path}" if catalogue_path else "the built-in catalogue"
    otherwise = Live(catalogue_file.load(catalogue_path), source)
    facts = asyncio.run(_gather(kubeconfig or settings.kubeconfig(), namespace, otherwise))
    findings = diagnosis.judge(facts)
    for line in _text(findings) if output == "text" else _json(findings):
        click.echo(line)
    sys.exit(1 if diagnosis.worst(findings) == "fail" else 0)


async def _gather(kubeconfig: Path | None, namespace: str, otherwise: Live) -> Facts:
    async with Transport(await config.load(kubeconfig)) as transport:
        return await checkup.gather(transport, namespace, otherwise=otherwise, clock=SystemClock())


def _text(findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{f'[{finding.level}]':6} {finding.check}: {finding.what}"
        if finding.remedy:
            yield f"       -> {finding.remedy}"
    counts = Counter(finding.level for finding in findings)
    yield ", ".join(f"{counts[level]} {level}" for level in LEVELS)


def _json(findings: list[Finding]) -> Iterator[str]:
    content = {"worst": diagnosis.worst(findings), "findings": [asdict(each) for each in findings]}
    yield msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
