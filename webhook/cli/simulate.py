"""`nsp simulate`: the decision on a Namespace manifest, without a cluster."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from webhook.adapters import catalogue_file
from webhook.adapters.clock import SystemClock
from webhook.cli import options
from webhook.codec import namespace, yamltext
from webhook.core import decide, jsonpatch, wording
from webhook.core.model import Additions, Caller, Decision, Facts, Manifest, Operation
from webhook.core.policy import Policy

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


@click.command("simulate")
@click.option(
    "-f", "--filename", "file", type=_FILE, required=True, help="Namespace manifest (- is standard input)."
)
@click.option("--as", "user", required=True, help="Who asks.")
@click.option("--as-group", "groups", multiple=True, help="A group of theirs; may be given more than once.")
@click.option(
    "--operation",
    type=click.Choice([each.value for each in Operation]),
    help="What they ask for; CREATE when not given, UPDATE with --old.",
)
@click.option("--old", "old_file", type=_FILE, help="The namespace as it was, for an UPDATE.")
@options.catalogue()
def command(
    file: Path,
    user: str,
    groups: tuple[str, ...],
    operation: str | None,
    old_file: Path | None,
    catalogue_path: Path | None,
) -> None:
    """Decide on a Namespace manifest as admission would: patch, verdict, rules and the resulting object.

    The exit code is 0 when the request would be allowed, 1 when it would be denied.
    """
    policy = catalogue_file.load(catalogue_path)
    asked = Operation(operation or ("UPDATE" if old_file else "CREATE"))
    if (asked is Operation.UPDATE) != (old_file is not None):
        raise click.UsageError("--old goes with UPDATE, and an UPDATE needs it")
    manifest = _read(file)
    old = _read(old_file) if old_file is not None else manifest
    facts = _facts(asked, manifest, old, Caller(user, groups), SystemClock().now())
    additions = decide.mutate(facts, policy)
    complete = Facts(asked, facts.name, facts.caller, additions.applied_to(facts.new), facts.old, facts.age)
    decision = decide.validate(complete, policy)
    _report(facts, additions, decision, policy)
    if decision.allowed and asked is not Operation.DELETE:
        click.echo("\nresult:\n" + _yaml(_result(manifest, additions)), nl=False)
    sys.exit(0 if decision.allowed else 1)


def _facts(asked: Operation, manifest: Manifest, old: Manifest, caller: Caller, now: datetime) -> Facts:
    state = namespace.state(manifest)
    name = manifest["metadata"].get("name", "")
    if asked is Operation.CREATE:
        return Facts(asked, name, caller, state)
    return Facts(asked, name, caller, state, namespace.state(old), _age(old, now))


def _age(manifest: Manifest, now: datetime) -> int | None:
    """Seconds since creation; None where the manifest does not tell. YAML reads a bare time as a time."""
    created: object = manifest["metadata"].get("creationTimestamp")
    try:
        moment = datetime.fromisoformat(created) if isinstance(created, str) else created
    except ValueError:
        return None
    return int((now - moment).total_seconds()) if isinstance(moment, datetime) and moment.tzinfo else None


def _read(file: Path) -> Manifest:
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        found: Any = yamltext.load(text)
    except yamltext.InvalidYamlError as error:
        raise click.BadParameter(f"{file}: {error}") from error
    metadata = found.get("metadata") if isinstance(found, dict) else None
    if not isinstance(metadata, dict) or found.get("kind") != "Namespace":
        raise click.BadParameter(f"{file} is not one Namespace manifest")
    for part in ("labels", "annotations"):
        if not isinstance(metadata.get(part) or {}, dict):
            raise click.BadParameter(f"{file}: metadata.{part} must be a mapping")
        for key, value in (metadata.get(part) or {}).items():
            if not isinstance(value, str):
                raise click.BadParameter(f"{file}: metadata.{part}[{key}] must be a text: put it in quotes")
    return dict(found)


def _report(facts: Facts, additions: Additions, decision: Decision, policy: Policy) -> None:
    groups = f" ({wording.listing(facts.caller.groups)})" if facts.caller.groups else ""
    click.echo(f"request:  {facts.operation} namespace {facts.name} by {facts.caller.username}{groups}")
    operations = jsonpatch.operations(
        additions, has_labels=bool(facts.new.labels), has_annotations=bool(facts.new.annotations)
    )
    click.echo(f"patch:    {msgspec.json.encode(operations).decode() if operations else 'none'}")
    verdict = "allowed" if decision.allowed else f"denied with {decision.code}"
    click.echo(f"verdict:  {verdict}, by catalogue revision {policy.revision}")
    broken = dict.fromkeys(each.rule for each in (*decision.violations, *decision.tolerated))
    click.echo(f"rules:    {wording.listing(broken) if broken else 'none broken'}")
    for violation in decision.violations:
        click.echo(f"  denied: {wording.sentence(violation)}")
    for violation in decision.tolerated:
        click.echo(f"  let pass ({policy.modes[violation.rule]}): {wording.sentence(violation)}")
    for warning in decision.warnings:
        click.echo(f"  warning: {warning}")


def _result(manifest: Manifest, additions: Additions) -> Manifest:
    metadata = dict(manifest["metadata"])
    for part, added in (("labels", additions.labels), ("annotations", additions.annotations)):
        if metadata.get(part) or added:
            metadata[part] = {**(metadata.get(part) or {}), **added}
    return {**manifest, "metadata": metadata}


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=False, width=110)
