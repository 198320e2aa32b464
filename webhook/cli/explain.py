"""`nsp explain`: the rules, for people."""

import textwrap
from pathlib import Path

import click

from webhook.adapters import catalogue_file
from webhook.cli import options
from webhook.core import decide, wording
from webhook.core.policy import Policy
from webhook.core.rules import MANAGED_OBJECTS, RULES, Example, ObjectRule, Rule

_HEADING = """# Rules

What the validating webhook and the API refuse, rule by rule, in the order in which violations are
reported. A request is told of every rule that it breaks. `nsp explain RULE` prints the same; the denials
below are those of the built-in [tier catalogue](../webhook/catalogue.yaml). This page is made by `make docs`.
"""


_ALL: tuple[Rule | ObjectRule, ...] = (*RULES, MANAGED_OBJECTS)


@click.command("explain")
@click.argument("rule", required=False)
@options.catalogue(" whose denials are shown")
@click.option("--markdown", is_flag=True, help="Print all rules as a page.")
def command(rule: str | None, catalogue_path: Path | None, markdown: bool) -> None:
    """Explain RULE, or list all rules."""
    policy = catalogue_file.load(catalogue_path)
    if markdown:
        click.echo("\n".join([_HEADING, *(_page(each, policy) for each in RULES), _object_page()]), nl=False)
    elif rule is None:
        for each in _ALL:
            click.echo(f"{each.id:<26}{each.text.partition('. ')[0].rstrip('.')}.")
    else:
        click.echo(_screen(_named(rule), policy), nl=False)


def _named(name: str) -> Rule | ObjectRule:
    known = {rule.id: rule for rule in _ALL}
    if name not in known:
        raise click.BadParameter(
            f"{wording.quote(name)} is no rule; did you mean {wording.nearest(name, known)}? "
            f"There are: {wording.listing(known)}",
            param_hint="RULE",
        )
    return known[name]


def _screen(rule: Rule | ObjectRule, policy: Policy) -> str:
    if isinstance(rule, ObjectRule):
        return f"{rule.id}\n\n{textwrap.fill(rule.text, 100)}\n"
    presumed = f"Presumes in the catalogue:\n\n    {rule.shown}\n\n" if rule.shown else ""
    denial = textwrap.fill(_denial(rule, policy), 100, initial_indent="    ", subsequent_indent="    ")
    return (
        f"{rule.id}\n\n{textwrap.fill(rule.text, 100)}\n\n{presumed}"
        f"Wrong:\n\n{_manifest(rule.wrong)}\n{denial}\n\nRight:\n\n{_manifest(rule.right)}"
    )


def _page(rule: Rule, policy: Policy) -> str:
    presumed = f"Presumes in the catalogue:\n\n```yaml\n{rule.shown}\n```\n\n" if rule.shown else ""
    return (
        f"## {rule.id}\n\n{textwrap.fill(rule.text, 110)}\n\n{presumed}"
        f"Wrong:\n\n```yaml\n{textwrap.dedent(_manifest(rule.wrong))}```\n\n"
        f"> {_denial(rule, policy)}\n\n"
        f"Right:\n\n```yaml\n{textwrap.dedent(_manifest(rule.right))}```\n"
    )


def _object_page() -> str:
    return f"## {MANAGED_OBJECTS.id}\n\n{textwrap.fill(MANAGED_OBJECTS.text, 110)}\n"


def _denial(rule: Rule, policy: Policy) -> str:
    """What the caller of the wrong example is told of this rule."""
    presumed = rule.settings(policy)
    violations = decide.validate(rule.wrong.facts(presumed), presumed).violations
    return " ".join(wording.sentence(found) for found in violations if found.rule == rule.id)


def _manifest(example: Example) -> str:
    """The part of the Namespace that matters, as YAML that can be pasted."""
    lines = [f"# kubectl delete namespace {example.name}"] if example.deleted else []
    lines += ["metadata:", f"  name: {example.name}"]
    for field, values in (("labels", example.labels), ("annotations", example.annotations)):
        if values:
            lines.append(f"  {field}:")
            lines += [f'    {key}: "{value}"{_before(example, key)}' for key, value in values.items()]
    if example.had_finalizers:
        after = wording.listing(example.finalizers)
        lines = [f"# kubectl replace --raw /api/v1/namespaces/{example.name}/finalize", *lines]
        lines += ["spec:", f"  finalizers: [{after}]  # was [{wording.listing(example.had_finalizers)}]"]
    for owner in example.owners:
        kind, _, name = owner.partition(" ")[0].partition("/")
        lines += ["  ownerReferences:", f"    - {{kind: {kind}, name: {name}}}"]
    return textwrap.indent("\n".join(lines) + "\n", "    ")


def _before(example: Example, key: str) -> str:
    """A remark beside a label that the example changes."""
    if example.was is None or example.was.get(key) == example.labels.get(key):
        return ""
    return f"  # was {wording.quote(example.was[key])}" if key in example.was else "  # new"
