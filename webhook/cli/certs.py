"""`nsp certs`: certificates for places without cert-manager."""

from pathlib import Path

import click


@click.group("certs")
def command() -> None:
    """Make certificates for places without cert-manager."""


@command.command("make")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to write."
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=("localhost", "127.0.0.1"),
    show_default=True,
    help="DNS name or IP address the API server dials; may be repeated.",
)
def make(folder: Path, hosts: tuple[str, ...]) -> None:
    """Write ca.crt, tls.crt and tls.key; the CA's key is thrown away."""
    from webhook.adapters import pki

    for path in pki.make_pair(folder, hosts):
        click.echo(path)
