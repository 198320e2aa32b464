"""`nsp catalogue`: look at tier catalogue files before a cluster does."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from webhook.adapters import catalogue_file
from webhook.cli import impact
from webhook.codec import catalogue, catalogueschema
from webhook.core import lint, wording

_FILE = click.Path(path_type=Path)


@click.group("catalogue")
def command() -> None:
    """Check, show and compare tier catalogues."""


@command.command("lint")
@click.argument("file", type=_FILE)
@click.option("--strict", is_flag=True, help="Fail on findings that are legal but probably not meant, too.")
def lint_file(file: Path, strict: bool) -> None:
    """Check FILE; every problem is listed at once."""
    policy = catalogue_file.load(file)
    found = list(lint.findings(policy))
    for finding in found:
        click.echo(f"warning: {finding}", err=True)
    click.echo(f"{file}: good, {len(policy.tiers)} tiers, revision {policy.revision}")
    sys.exit(1 if strict and found else 0)


@command.command("show")
@click.argument("file", type=_FILE, required=False)
@click.option("--tier", "tier_name", help="Show one tier only.")
def show(file: Path | None, tier_name: str | None) -> None:
    """Print FILE, or the built-in catalogue, with every parent and default filled in."""
    policy = catalogue_file.load(file)
    if tier_name is None:
        click.echo(_yaml(catalogue.plain(policy)), nl=False)
        return
    if tier_name not in policy.tiers:
        raise click.BadParameter(
            f"{wording.quote(tier_name)} is not a tier; there are: {wording.listing(policy.tiers)}",
            param_hint="--tier",
        )
    click.echo(_yaml({tier_name: catalogue.tier(policy.tiers[tier_name])}), nl=False)


@command.command("diff")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def diff(old: Path, new: Path) -> None:
    """Print what NEW changes, with parents and defaults filled in; exit code 1 when anything does."""
    before, after = (catalogue.plain(catalogue_file.load(file)) for file in (old, new))
    lines = list(_differences("", before, after))
    for line in lines:
        click.echo(line)
    sys.exit(1 if lines else 0)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of a catalogue file, for editors."""
    click.echo(msgspec.json.format(msgspec.json.encode(catalogueschema.schema()), indent=2).decode())


command.add_command(impact.command)


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes everything out: anchors would make a reader jump."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _differences(path: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            place = f"{path}.{key}" if path else str(key)
            yield from _differences(place, before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif before is _ABSENT:
        yield f"+ {path}: {_short(after)}"
    elif after is _ABSENT:
        yield f"- {path}: {_short(before)}"
    else:
        yield f"~ {path}: {_short(before)} -> {_short(after)}"


_ABSENT = object()


def _short(value: Any) -> str:
    return msgspec.json.encode(value).decode()
