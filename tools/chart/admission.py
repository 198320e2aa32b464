"""`files/admission.yaml`: webhook configurations and policies, as templates of the catalogue's facts."""

from dataclasses import asdict, replace
from typing import Any

from tools.chart import marks
from webhook.codec import admissionpolicy, namespacecel, registration
from webhook.core.policy import DEFAULT_TEAM_GROUPS, Policy
from webhook.core.rules import MANAGED_OBJECTS

_NOWHERE = {"url": ""}


def document() -> dict[str, Any]:
    """What the templates read: `webhooks`, and of the policies `namespaces`, `checks`, `objects`, `actions`.

    A check belongs to the policy of the mode that its rule has in the catalogue.
    """
    full = marks.policy()
    teamless = replace(full, team_groups=None)
    found: dict[str, Any] = marks.merged(
        _parts(full), appliers=_parts(replace(full, appliers=frozenset())), teams=_parts(teamless)
    )
    return {**found, "actions": admissionpolicy.ACTIONS, "objectsRule": MANAGED_OBJECTS.id}


def _parts(policy: Policy) -> dict[str, Any]:
    mutating, validating = registration.configurations(policy, _NOWHERE)
    namespaces, _, objects, _ = admissionpolicy.manifests(policy)
    spec = {key: value for key, value in namespaces["spec"].items() if key != "validations"}
    return {
        "webhooks": {"mutating": _hooks(mutating), "validating": _hooks(validating)},
        "namespaces": _named(spec, policy),
        "checks": [_named(asdict(check), policy) for check in namespacecel.checks(policy)],
        "objects": objects["spec"],
    }


def _named(value: Any, policy: Policy) -> Any:
    """Without groups of teams their usual name stays in messages: a fact, too."""
    if policy.team_groups is not None:
        return value
    usual = f'"{DEFAULT_TEAM_GROUPS.prefix}" + variables.team + "{DEFAULT_TEAM_GROUPS.suffix}"'
    return _replaced(value, usual, '"@teamPrefix@" + variables.team + "@teamSuffix@"')


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value


def _hooks(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    """Each with the path of its endpoint; where that is, the chart knows."""
    return [
        {
            "path": hook["clientConfig"]["url"],
            **{key: value for key, value in hook.items() if key != "clientConfig"},
        }
        for hook in configuration["webhooks"]
    ]
