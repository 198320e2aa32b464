"""`nsp probe`: does the admission pair answer?"""

from pathlib import Path

import click

from webhook.adapters import probing


@click.command("probe")
@click.option("--url", required=True, help="Where the admission pair is (https://...).")
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The CA that signed its certificate (PEM).",
)
def command(url: str, ca_file: Path) -> None:
    """Ask both endpoints of an admission pair about a namespace, without rights and without creating it.

    `helm test` does this in the cluster. The exit code is 0 when both answer, whatever they say.
    """
    if not url.startswith("https://"):
        raise click.BadParameter(f"{url} is no https:// address", param_hint="--url")
    for endpoint in probing.ENDPOINTS:
        answer = probing.ask(url, ca_file, endpoint)
        first_line = answer.message.partition("\n")[0].rstrip(":")
        verdict = "allows" if answer.allowed else f"denies: {first_line}"
        click.echo(f"{url}{endpoint} answers in {answer.seconds * 1000:.0f} ms and {verdict}")
