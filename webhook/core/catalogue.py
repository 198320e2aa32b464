"""Reads the document of a catalogue file into a Policy, or reports every problem at once.

Files are read in `webhook.codec.catalogue`. A key that may be left out has its default here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from webhook.core import budgetrules, expiryrules, plaindata, tiers, wording
from webhook.core.document import Document
from webhook.core.errors import InvalidPolicyError
from webhook.core.pattern import Pattern
from webhook.core.policy import (
    ADOPTIONS,
    DEFAULT_TEAM_GROUPS,
    MODES,
    ROLLOUTS,
    SYSTEM_NAMESPACES,
    UNLABELLED,
    Policy,
    Rollout,
    TeamGroups,
    Tier,
)
from webhook.core.rules import MANAGED_OBJECTS, RULES

API_VERSION = "ns-provisioner.io/v1alpha1"
KIND = "TierCatalogue"

POLICY_DEFAULTS: dict[object, object] = {
    "unlabelled": "default",
    "namePattern": "^[a-z][a-z0-9-]{1,30}$",
    "teamSeparator": "",
    "reservedNames": [],
    "reservedPrefixes": ["kube-"],
    "exemptNames": [],
    "adminGroups": ["platform-admins", "system:masters"],
    "requesters": [],
    "appliers": [],
    "controllers": [],
    "teamGroups": "team-{team}",
    "requiredLabels": {},
    "requiredAnnotations": {},
    "modes": {},
    "adoption": "Never",
}
_SEPARATORS = ("", "-", "--")
_TEAM = "{team}"
_SERVICE_ACCOUNT = "system:serviceaccount:"


def parse(content: object) -> Policy:
    """Validate the content of a catalogue file. Raises InvalidPolicyError with every problem found."""
    if strange := list(plaindata.problems(content)):
        raise InvalidPolicyError(strange)
    document = Document()
    if not isinstance(content, Mapping):
        document.mapping("", content)
        raise InvalidPolicyError(document.problems)
    root = document.mapping(
        "",
        content,
        required=("apiVersion", "kind", "policy", "tiers"),
        optional=("defaults", "expiry", "rollout", "teams"),
    )
    for key, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if key in root:
            document.choice(key, str(root[key]), (expected,))
    defaults = document.mapping("defaults", root.get("defaults", {}), optional=tiers.LIFE_KEYS)
    found = tiers.read(document, root.get("tiers"), defaults)
    policy = replace(
        _policy(document, root.get("policy"), found, _revision(content)),
        expiry=expiryrules.read(document, root.get("expiry", {})),
        budgets=budgetrules.read(document, root.get("teams", {})),
        rollout=_rollout(document, root.get("rollout", {})),
    )
    if document.problems:
        raise InvalidPolicyError(document.problems)
    return policy


def _policy(document: Document, value: object, found: dict[str, Tier], revision: str) -> Policy:
    stated = document.mapping(
        "policy", value, required=("defaultTier",), optional=tuple(map(str, POLICY_DEFAULTS))
    )
    rules = {**POLICY_DEFAULTS, **stated}
    default_tier = document.text("policy.defaultTier", rules.get("defaultTier"))
    exempt = SYSTEM_NAMESPACES.union(document.names("policy.exemptNames", rules["exemptNames"]))
    if default_tier and found:
        document.choice("policy.defaultTier", default_tier, found, what="a tier")
    return Policy(
        default_tier=default_tier,
        unlabelled=_choice(document, "unlabelled", rules["unlabelled"], UNLABELLED),
        name_pattern=document.pattern("policy.namePattern", rules["namePattern"]),
        team_separator=_separator(document, rules["teamSeparator"]),
        reserved_names=_set(document, "reservedNames", rules["reservedNames"]),
        reserved_prefixes=document.texts("policy.reservedPrefixes", rules["reservedPrefixes"]),
        exempt_names=exempt,
        admin_groups=_set(document, "adminGroups", rules["adminGroups"]),
        requesters=_users(document, "requesters", rules["requesters"], exempt),
        appliers=_users(document, "appliers", rules["appliers"], exempt),
        controllers=_users(document, "controllers", rules["controllers"], exempt),
        team_groups=_team_groups(document, rules["teamGroups"]),
        required_labels=_required(document, "policy.requiredLabels", rules["requiredLabels"]),
        required_annotations=_required(document, "policy.requiredAnnotations", rules["requiredAnnotations"]),
        modes=_modes(document, rules["modes"]),
        adoption=_choice(document, "adoption", rules["adoption"], ADOPTIONS),
        tiers=found,
        revision=revision,
    )


def _rollout(document: Document, value: object) -> Rollout:
    stated = document.mapping("rollout", value, optional=("strategy", "perMinute"))
    strategy = document.text("rollout.strategy", stated.get("strategy", "auto"))
    if strategy:
        document.choice("rollout.strategy", strategy, ROLLOUTS, what="a known way")
    return Rollout(strategy, document.count("rollout.perMinute", stated.get("perMinute", 60), least=1))


def _choice(document: Document, key: str, value: object, allowed: tuple[str, ...]) -> str:
    text = document.text(f"policy.{key}", value)
    if text:
        document.choice(f"policy.{key}", text, allowed, what="a known way")
    return text


def _set(document: Document, key: str, value: object) -> frozenset[str]:
    return frozenset(document.texts(f"policy.{key}", value))


def _users(document: Document, key: str, value: object, exempt: frozenset[str]) -> frozenset[str]:
    """Names of users that are trusted. A tenant must not be able to create one of them."""
    users = document.texts(f"policy.{key}", value)
    for index, user in enumerate(users):
        namespace = user.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
        if user.startswith(_SERVICE_ACCOUNT) and namespace not in exempt:
            detail = f"whoever creates the namespace {wording.quote(namespace)} could become this account"
            document.problem(f"policy.{key}[{index}]", detail, f"add {namespace} to policy.exemptNames")
    return frozenset(users)


def _separator(document: Document, value: object) -> str:
    if value == "":
        return ""
    text = document.text("policy.teamSeparator", value)
    if text:
        document.choice("policy.teamSeparator", text, _SEPARATORS)
    return text


def _team_groups(document: Document, value: object) -> TeamGroups | None:
    """`team-{team}` in two parts; an empty text turns the matter off."""
    if value == "":
        return None
    text = document.text("policy.teamGroups", value)
    prefix, mark, suffix = text.partition(_TEAM)
    if text and (not mark or _TEAM in suffix):
        document.problem("policy.teamGroups", f"must hold {_TEAM} once", f"for instance team-{_TEAM}")
    if text and _is_the_systems(prefix, suffix):
        document.problem(
            "policy.teamGroups",
            "would let a team be called like a group of the system",
            f"begin it with a word of your own, for instance team-{_TEAM}",
        )
    return TeamGroups(prefix, suffix) if mark else DEFAULT_TEAM_GROUPS


def _is_the_systems(prefix: str, suffix: str) -> bool:
    """Whether some team's group could be one of `system:`, or could be any group at all."""
    before_colon = ":" not in prefix and ":" in suffix
    return prefix.startswith("system:") or before_colon or not (prefix or suffix)


def _required(document: Document, path: str, value: object) -> dict[str, Pattern]:
    found = document.patterns(path, value)
    for key in found:
        if key.startswith("platform/"):
            document.problem(f"{path}.{key}", "is ours, and has rules of its own", "leave it out")
    return found


def _modes(document: Document, value: object) -> dict[str, str]:
    found = {}
    for rule, mode in document.mapping("policy.modes", value).items():
        document.choice(
            f"policy.modes.{rule}",
            str(rule),
            [*(each.id for each in RULES), MANAGED_OBJECTS.id],
            what="a rule",
        )
        document.choice(f"policy.modes.{rule}", str(mode), MODES, what="a mode")
        found[str(rule)] = str(mode)
    return found


def _revision(content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
