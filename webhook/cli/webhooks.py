"""`nsp webhooks`: the configurations that register the admission pair."""

import re
from pathlib import Path

import click
import msgspec

from webhook.adapters import catalogue_file
from webhook.cli import options
from webhook.codec import registration

_URL = re.compile(r"https://([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/[a-zA-Z0-9._~/-]*)?", re.ASCII)


@click.command("webhooks")
@click.option("--url", required=True, help="Where the API server reaches the admission pair (https://...).")
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The CA that signed its certificate (PEM).",
)
@options.catalogue(", for the names that are exempt")
def command(url: str, ca_file: Path, catalogue_path: Path | None) -> None:
    """Print both configurations as a JSON List for `kubectl apply -f -`."""
    _check_url(url)
    policy = catalogue_file.load(catalogue_path)
    ca_pem = ca_file.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in ca_pem:
        raise click.BadParameter(f"{ca_file} holds no certificate in PEM form", param_hint="--ca-file")
    client_config = registration.url_client_config(url, ca_pem)
    items = list(registration.configurations(policy, client_config))
    content = msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items})
    click.echo(msgspec.json.format(content, indent=2).decode())


def _check_url(url: str) -> None:
    """What the API server takes in clientConfig.url, so that it is said here and in plain words."""
    if not url.startswith("https://"):
        raise click.BadParameter("the API server calls webhooks over https only", param_hint="--url")
    if not _URL.fullmatch(url):
        wanted = "give a host, and no user, query or fragment: https://host:port/path"
        raise click.BadParameter(wanted, param_hint="--url")
