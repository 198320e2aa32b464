"""Checks on what a namespace is called."""

from collections.abc import Iterator

from webhook.core import labels, wording
from webhook.core.checks.common import changed, is_name, label, mended
from webhook.core.model import Facts, Operation, Violation
from webhook.core.policy import Policy


def name_pattern(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """The names of new namespaces, and of teams, follow the pattern and do not end in a hyphen."""
    asked = {}
    if facts.operation is Operation.CREATE:
        asked["metadata.name"] = facts.name  # validation sees a generated name, too
    team = facts.new.labels.get(labels.TEAM)
    if team and team != facts.name and changed(facts, labels.TEAM):
        asked[label(labels.TEAM)] = team
    for path, text in asked.items():
        if not is_name(text, policy):
            yield Violation(
                rule="name-pattern",
                path=path,
                sent=f"{wording.quote(text)} is not a valid name",
                allowed=f"{policy.name_pattern.text} without a trailing hyphen",
                suggestion=f"for instance {wording.quote(mended(text, policy))}",
            )


def reserved_name(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """Nobody creates a namespace that bears the name of the system or of a platform service."""
    if facts.operation is not Operation.CREATE:
        return
    prefix = next((prefix for prefix in policy.reserved_prefixes if facts.name.startswith(prefix)), "")
    names = policy.reserved_names | policy.exempt_names
    if prefix or facts.name in names:
        beginnings = f"do not begin with {wording.listing(policy.reserved_prefixes)} and "
        yield Violation(
            rule="reserved-name",
            path="metadata.name",
            sent=f"{wording.quote(facts.name)} is reserved",
            allowed=(
                f"names that {beginnings if policy.reserved_prefixes else ''}are not "
                f"{wording.listing(sorted(names))}"
            ),
            suggestion=_freed(facts.name[len(prefix) :], policy) if prefix else "choose another name",
        )


def name_agrees_with_team(facts: Facts, policy: Policy) -> Iterator[Violation]:
    """With a separator, a name is its team's, alone or with a rest; and no team's name has a separator."""
    separator, team = policy.team_separator, facts.new.labels.get(labels.TEAM)
    if not separator or not team or not changed(facts, labels.TEAM):
        return
    if separator in team:
        yield Violation(
            rule="name-agrees-with-team",
            path=label(labels.TEAM),
            sent=f"{wording.quote(team)} has the separator {wording.quote(separator)} in it",
            allowed="names of which only one team can be meant",
            suggestion=f"for instance {wording.quote(team.replace(separator, ''))}",
        )
    elif facts.name != team and not facts.name.startswith(team + separator):
        example = mended(f"{team}{separator}{facts.name}", policy)
        yield Violation(
            rule="name-agrees-with-team",
            path="metadata.name",
            sent=f"{wording.quote(facts.name)} does not belong to team {wording.quote(team)}",
            allowed=f"{wording.quote(team)}, and names that begin with {wording.quote(team + separator)}",
            suggestion=f"for instance {wording.quote(example)}",
        )


def _freed(rest: str, policy: Policy) -> str:
    """A name without its reserved prefix, if that is one to be had."""
    reserved = rest in policy.reserved_names | policy.exempt_names or rest.startswith(
        policy.reserved_prefixes
    )
    return (
        "choose another name"
        if reserved or not is_name(rest, policy)
        else f"for instance {wording.quote(rest)}"
    )
