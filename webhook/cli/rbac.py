"""`nsp rbac`: the accounts of the roles, with exactly the rights that they use."""

from pathlib import Path

import click

from webhook.adapters import catalogue_file
from webhook.cli import options
from webhook.codec import rbac, yamlwriter
from webhook.core import rights


@click.command("rbac")
@click.option(
    "--namespace", default="ns-provisioner", show_default=True, help="Where the processes and the Lease are."
)
@click.option("--role", "roles", default=",".join(rights.ROLES), show_default=True, help="For which roles.")
@options.catalogue(", which says what there is to write")
def command(namespace: str, roles: str, catalogue_path: Path | None) -> None:
    """Print ServiceAccounts, roles and bindings for `kubectl apply -f -`.

    The namespace has to exist. The admission role has no account: it never calls the API server.
    Print and apply them anew when the catalogue changes: what no tier has, nobody may write.
    """
    asked = [role.strip() for role in roles.split(",")]
    for role in asked:
        if role not in rights.ROLES:
            raise click.BadParameter(
                f"{role!r} has no account; choose from {', '.join(rights.ROLES)}", param_hint="--role"
            )
    click.echo(
        yamlwriter.dump(rbac.manifests(catalogue_file.load(catalogue_path), asked, namespace)), nl=False
    )
