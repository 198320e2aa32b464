"""`nsp certs check`: whether a serving certificate does its work, and what to do where it does not."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhook.cli import certs_source

if TYPE_CHECKING:
    from webhook.adapters.pki.check import Finding
    from webhook.adapters.pki.source import Source


@click.command("check")
@certs_source.options
@click.option("--host", "hosts", multiple=True, help="A host that it has to be for; may be repeated.")
@click.option(
    "--days", type=click.IntRange(0), default=14, show_default=True, help="How long it has to last at least."
)
@click.option("--webhooks", is_flag=True, help="Check it against the webhook configurations of the cluster.")
def command(
    folder: Path | None,
    secret: str | None,
    kubeconfig: Path | None,
    hosts: tuple[str, ...],
    days: int,
    webhooks: bool,
) -> None:
    """Check key, time, hosts and CA of the certificate in a folder or a Secret; 1 when something is wrong.

    With --webhooks, also whether the caBundle of each live webhook vouches for it, and whether it is for
    the host that the API server dials.
    """
    if [folder, secret].count(None) != 1:
        raise click.UsageError("Give one of --dir and --secret.")
    from webhook.adapters.clock import SystemClock

    now = SystemClock().now()
    source = certs_source.load(folder, secret, kubeconfig)
    findings = source.check(hosts=hosts, now=now, days=days)
    if webhooks:
        findings += _registered(source, kubeconfig, now, days)
    for finding in findings:
        click.echo(_line(finding))
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _registered(source: "Source", kubeconfig: Path | None, now: datetime, days: int) -> "list[Finding]":
    from webhook.adapters.pki import hooks as certhooks
    from webhook.adapters.pki import source as certsource

    certificate = source.found.get(certsource.CERTIFICATE)
    if certificate is None:  # said already
        return []
    live = certs_source.in_cluster(kubeconfig, certhooks.load)
    return certhooks.check(certificate, live, now=now, days=days)


def _line(finding: "Finding") -> str:
    return f"ok     {finding.what}" if finding.ok else f"wrong  {finding.what}; {finding.remedy}"
