"""The command group and how errors are shown: one clear text on standard error, exit code not 0."""

import importlib
import sys

import click

from webhook import __version__
from webhook.core.errors import InvalidPolicyError, NsProvisionerError

VERBS = {
    "audit": "List the namespaces of a cluster that the rules would not have let in.",
    "catalogue": "Check, show and compare tier catalogues.",
    "certs": "Make, renew, show and check serving certificates.",
    "doctor": "Tell whether an installation works, and what to do where it does not.",
    "explain": "Explain the rules, with what breaks and what keeps each.",
    "policy": "Print the ValidatingAdmissionPolicies that guard inside the API server.",
    "probe": "Ask a running admission pair whether it answers.",
    "rbac": "Print accounts for the roles, with exactly the rights that they use.",
    "serve": "Run the admission pair, the controller and the API.",
    "simulate": "Decide on a Namespace manifest as admission would, without a cluster.",
    "webhooks": "Print the webhook configurations that register the admission pair.",
}


class Verbs(click.Group):
    """Imports a verb's module only when that verb is called, so that `nsp` starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"webhook.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nsp")
def cli() -> None:
    """Kubernetes namespaces that arrive with their guardrails on."""


def main() -> None:
    """Entry point of `nsp` and `kubectl-nsp`."""
    try:
        cli(prog_name="nsp")
    except NsProvisionerError as error:
        click.echo(f"nsp: {_text(error)}", err=True)
        sys.exit(1)


def _text(error: NsProvisionerError) -> str:
    if isinstance(error, InvalidPolicyError):
        count = len(error.problems)
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        where = f" {error.source}" if error.source else ""
        return f"the tier catalogue{where} has {count} problem{'s' if count != 1 else ''}:{lines}"
    return str(error)
