"""`nsp certs`: certificates for places without cert-manager, and a look at those of every place."""

from pathlib import Path

import click

from webhook.cli import certs_check, certs_show

_HOSTS = ("localhost", "127.0.0.1")
_DAYS = click.IntRange(1, 3650)


@click.group("certs")
def command() -> None:
    """Make, renew, show and check serving certificates."""


@command.command("make")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to write."
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=_HOSTS,
    show_default=True,
    help="DNS name or IP address the API server dials; may be repeated.",
)
@click.option(
    "--days",
    type=_DAYS,
    default=90,
    show_default=True,
    help="How long the certificate is valid; the CA, 3650.",
)
@click.option("--keep-ca-key", is_flag=True, help="Keep the CA's key as ca.key, for `nsp certs renew`.")
@click.option(
    "--ca-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Sign with the ca.crt and ca.key there, instead of a new CA.",
)
def make(folder: Path, hosts: tuple[str, ...], days: int, keep_ca_key: bool, ca_dir: Path | None) -> None:
    """Write ca.crt, tls.crt and tls.key; the CA's key is thrown away, unless --keep-ca-key is given."""
    from webhook.adapters import pki
    from webhook.adapters.pki import renew as pki_renew

    if ca_dir is not None and keep_ca_key:
        raise click.UsageError("--keep-ca-key is for a new CA; with --ca-dir there is none.")
    if ca_dir is not None:
        paths = pki_renew.renew(folder, hosts, ca_folder=ca_dir, days=days)
    else:
        paths = (pki.make_kept if keep_ca_key else pki.make_pair)(folder, hosts, days=days)
    for path in paths:
        click.echo(path)


@command.command("renew")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Where tls.crt, tls.key and ca.crt are.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="DNS name or IP address, instead of those of the present certificate; may be repeated.",
)
@click.option("--days", type=_DAYS, default=90, show_default=True, help="How long the new one is valid.")
@click.option(
    "--ca-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where ca.crt and ca.key are kept; --dir when not given.",
)
def renew(folder: Path, hosts: tuple[str, ...], days: int, ca_dir: Path | None) -> None:
    """Replace tls.crt and tls.key by a new pair of the same CA, for the same hosts.

    A running `nsp serve` takes it within seconds, without a restart. Needs the CA's key, which
    `nsp certs make --keep-ca-key` keeps.
    """
    from webhook.adapters.pki import renew as pki_renew

    for path in pki_renew.renew(folder, hosts, ca_folder=ca_dir, days=days):
        click.echo(path)


command.add_command(certs_show.command)
command.add_command(certs_check.command)
