"""A catalogue with a mark in every place, and what Helm has to put where the marks come out.

The actions are run with the facts of `templates/_catalogue.tpl` as their dot.
"""

from dataclasses import replace
from typing import Any

from webhook.adapters import catalogue_file
from webhook.core.policy import Policy, TeamGroups

_TIER = "@tier@"
_LISTS = ("exemptNames", "adminGroups", "appliers", "controllers", "requesters")

ACTIONS = {
    **{f'["@{name}@"]': f"{{{{ .{name} | toRawJson }}}}" for name in _LISTS},
    f'["{_TIER}"]': "{{ .protectedTiers | toRawJson }}",
    f'{{"{_TIER}":{{"enforce":0}}}}': "{{ .floors | toRawJson }}",
    '{"enforce":0}': "{{ .defaultFloor | toRawJson }}",
    '"@teamPrefix@"': "{{ .teamPrefix | toRawJson }}",
    '"@teamSuffix@"': "{{ .teamSuffix | toRawJson }}",
    # Inside a text, where the quotes are there already.
    "@adminGroups@": '{{ .adminGroups | join ", " | toRawJson | trimPrefix "\\"" | trimSuffix "\\"" }}',
}
"""In this order: what is longer comes before what it holds."""

_MARKED = {f"@{name}@": f"{{{{ .{name} | toRawJson }}}}" for name in _LISTS}


class Whole(str):
    """An action that stands for a whole value, not for a part of a text."""

    __slots__ = ()


def policy() -> Policy:
    """Every list has one entry, its own name."""
    built_in = catalogue_file.load(None)
    tier = replace(
        built_in.tiers[built_in.default_tier],
        name=_TIER,
        pod_security={"enforce": "privileged"},
        deletion_protection=True,
    )
    return replace(
        built_in,
        exempt_names=frozenset({"@exemptNames@"}),
        admin_groups=frozenset({"@adminGroups@"}),
        appliers=frozenset({"@appliers@"}),
        controllers=frozenset({"@controllers@"}),
        requesters=frozenset({"@requesters@"}),
        team_groups=TeamGroups("@teamPrefix@", "@teamSuffix@"),
        tiers={_TIER: tier},
        default_tier=_TIER,
        modes={},
    )


def filled(text: str) -> str:
    """A text with actions instead of marks."""
    for mark, action in ACTIONS.items():
        text = text.replace(mark, action)
    assert "@" not in text, text
    return text


def merged(full: Any, *, appliers: Any, teams: Any) -> Any:
    """One value of three: of the whole catalogue, of one without appliers, of one without groups of teams.

    A text that is not always the same becomes a choice that Helm makes.
    """
    if isinstance(full, dict):
        return {key: merged(full[key], appliers=appliers[key], teams=teams[key]) for key in full}
    if isinstance(full, list):
        if full and isinstance(full[0], str) and full[0] in _MARKED:
            return Whole(_MARKED[full[0]])
        each = zip(full, appliers, teams, strict=True)
        return [merged(a, appliers=b, teams=c) for a, b, c in each]
    if not isinstance(full, str):
        return full
    if full != teams and full == appliers:
        return _choice("teamGroups", full, teams)
    if full != appliers and full == teams:
        return _choice("appliers", full, appliers)
    assert full == appliers == teams, full
    return filled(full)


def _choice(fact: str, there: str, missing: str) -> str:
    return f"{{{{ if .{fact} }}}}{filled(there)}{{{{ else }}}}{filled(missing)}{{{{ end }}}}"
