"""The JSON Schema (draft 2020-12) of a catalogue file, for editors.

It knows keys, types and words. What needs more than that (inheritance, quantities against each other,
patterns) `nsp catalogue lint` tells.
"""

from typing import Any

from webhook.core import catalogue, expiryrules, extras, networkpolicies, tiers
from webhook.core.policy import (
    ADOPTIONS,
    EVERY_TEAM,
    MODES,
    POD_SECURITY_LEVELS,
    POD_SECURITY_MODES,
    ROLLOUTS,
    UNLABELLED,
)
from webhook.core.rules import MANAGED_OBJECTS, RULES

Schema = dict[str, Any]

_NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
_TEXT: Schema = {"type": "string", "minLength": 1}
_QUANTITY: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {
            "type": "string",
            "pattern": r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$",
        },
    ]
}
_LIFETIME = {"type": ["string", "null"], "pattern": "^[1-9][0-9]{0,8}[smhd]$"}


def schema() -> Schema:
    """The schema as plain data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://ns-provisioner.io/schemas/tiercatalogue-v1alpha1.json",
        "title": "Tier catalogue of ns-provisioner",
        **_mapping(
            {
                "apiVersion": {"const": catalogue.API_VERSION},
                "kind": {"const": catalogue.KIND},
                "policy": _policy(),
                "expiry": _expiry(),
                "rollout": _rollout(),
                "teams": _teams(),
                "defaults": _mapping({key: _LIFE[key] for key in tiers.LIFE_KEYS}),
                "tiers": {**_every(_tier()), "propertyNames": _NAME, "minProperties": 1},
            },
            required=["apiVersion", "kind", "policy", "tiers"],
        ),
    }


_LIFE: dict[str, Schema] = {
    "ttl": {**_LIFETIME, "description": "The lifetime of a namespace that states none, such as 8h or 7d."},
    "maxTtl": {**_LIFETIME, "description": "The longest lifetime a namespace may have."},
    "idleTtl": {**_LIFETIME, "description": "How long a namespace lasts that has no pods."},
    "deletionProtection": {"type": "boolean", "description": "Namespaces cannot be deleted by mistake."},
}


def _expiry() -> Schema:
    minute = {"type": "integer", "minimum": 1, "maximum": expiryrules.MOST_PER_MINUTE}
    described: dict[str, tuple[Schema, str]] = {
        "dryRun": ({"type": "boolean"}, "Only tell which namespaces would be deleted."),
        "perMinute": (minute, "The most deletions in a minute."),
        "maxPercent": (
            {"type": "integer", "minimum": 1, "maximum": 100},
            "Nothing is deleted while more than this share of all managed namespaces is due.",
        ),
        "notices": (
            _list({**_LIFETIME, "type": "string"}),
            "How long before its end a namespace is told of it.",
        ),
    }
    return _mapping({key: {**each, "description": text} for key, (each, text) in described.items()})


def _rollout() -> Schema:
    return _mapping(
        {
            "strategy": {
                "enum": list(ROLLOUTS),
                "description": "Whether a changed tier reaches existing namespaces by itself.",
            },
            "perMinute": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1_000_000,
                "description": "How many of them a minute.",
            },
        }
    )


def _policy() -> Schema:
    described: dict[str, tuple[Schema, str]] = {
        "defaultTier": (_TEXT, "The tier of a namespace created without the label platform/tier."),
        "unlabelled": ({"enum": list(UNLABELLED)}, "What becomes of such a namespace."),
        "namePattern": (_TEXT, "RE2 pattern of namespace and team names, matched in full."),
        "teamSeparator": ({"enum": ["", "-", "--"]}, "Stands between team and rest of a name."),
        "reservedNames": (_list(_TEXT), "Names that nobody creates."),
        "reservedPrefixes": (_list(_TEXT), "Beginnings of names that nobody creates."),
        "exemptNames": (_list(_NAME), "Namespaces that are never touched."),
        "teamGroups": ({"type": "string"}, "The RBAC group of a team, with {team} in it; empty is off."),
        "adminGroups": (_list(_TEXT), "Groups that change tiers and teams, and break glass."),
        "requesters": (_list(_TEXT), "Users that create namespaces for any team."),
        "appliers": (_list(_TEXT), "GitOps controllers."),
        "controllers": (_list(_TEXT), "The users our own controller runs as."),
        "requiredLabels": (_every(_TEXT), "Labels every namespace has, with the pattern of their values."),
        "requiredAnnotations": (_every(_TEXT), "The same for annotations."),
        "adoption": (
            {"enum": list(ADOPTIONS)},
            "What becomes of somebody else's object where one of the bundle belongs.",
        ),
        "modes": (
            _mapping(
                {each: {"enum": list(MODES)} for each in (*(rule.id for rule in RULES), MANAGED_OBJECTS.id)}
            ),
            "Rules that are not enforced yet.",
        ),
    }
    properties = {key: {**each, "description": text} for key, (each, text) in described.items()}
    return _mapping(properties, required=["defaultTier"])


def _teams() -> Schema:
    described: dict[str, tuple[Schema, str]] = {
        "namespaces": ({"type": "integer", "minimum": 0}, "How many namespaces the team may have."),
        "quota": (_every(_QUANTITY), "The most that the hard limits of its namespaces come to, by key."),
    }
    budget = _mapping({key: {**each, "description": text} for key, (each, text) in described.items()})
    return {**_every(budget), "propertyNames": {"anyOf": [{"const": EVERY_TEAM}, _NAME]}}


def _tier() -> Schema:
    resources = _mapping(dict.fromkeys(tiers.LIMITED_RESOURCES, _QUANTITY))
    bounds = _mapping({"min": _QUANTITY, "max": _QUANTITY})
    described: dict[str, tuple[Schema, str]] = {
        "title": ({"type": "string"}, "How people call the tier."),
        "abstract": ({"type": "boolean"}, "A tier to inherit from, that no namespace can have."),
        "extends": (_TEXT, "The tier whose settings this one starts from."),
        "replacedBy": (_TEXT, "The tier to take instead: this one is deprecated."),
        "quota": (_every({"anyOf": [_QUANTITY, {"type": "null"}]}), "ResourceQuota: hard limits by key."),
        "limitRange": (
            _mapping({"default": resources, "defaultRequest": resources}),
            "LimitRange: what containers get that state nothing.",
        ),
        "podSecurity": (
            _mapping({mode: {"enum": [*POD_SECURITY_LEVELS, None]} for mode in POD_SECURITY_MODES}),
            "The lowest Pod Security levels.",
        ),
        "networkPolicies": (_list(_network_policy()), "NetworkPolicies by name."),
        "extraManifests": (_list(_extra()), "More objects; ${name}, ${team} and ${tier} are filled in."),
        "overrides": (
            _mapping({"quota": _every(bounds)}),
            "What platform/quota may set, and within which bounds.",
        ),
        "allowed": (_mapping({"groups": _list(_TEXT)}), 'Who may have the tier; "*" is everybody.'),
    }
    properties = {key: {**each, "description": text} for key, (each, text) in described.items()} | _LIFE
    return _mapping(
        properties, or_null=("podSecurity", "networkPolicies", "extraManifests", "overrides", "allowed")
    )


def _network_policy() -> Schema:
    with_arguments = {
        name: _list(_TEXT) for name in networkpolicies.NAMES if name not in networkpolicies.STANDARD
    }
    return {
        "anyOf": [{"enum": list(networkpolicies.STANDARD)}, {**_mapping(with_arguments), "minProperties": 1}]
    }


def _extra() -> Schema:
    return {"type": "object", "properties": {"kind": {"enum": list(extras.KINDS)}}, "required": ["kind"]}


def _mapping(
    properties: dict[str, Any], *, required: list[str] | None = None, or_null: tuple[str, ...] = ()
) -> Schema:
    """An object of known keys; null takes away what a parent said."""
    nullable = {key: {"anyOf": [properties[key], {"type": "null"}]} for key in or_null}
    needed = {"required": required} if required else {}
    return {
        "type": "object",
        "properties": {**properties, **nullable},
        "additionalProperties": False,
        **needed,
    }


def _every(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}
