"""The tier catalogue as a value: what tiers there are, and the rules for names and rights.

`parse` turns the document read from the file into a Policy, or reports every problem at once.
Files are read in `webhook.codec.catalogue`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from webhook.core import quantity
from webhook.core.errors import InvalidPolicyError
from webhook.core.reader import Reader

API_VERSION = "ns-provisioner.io/v1alpha1"
KIND = "TierCatalogue"

POD_SECURITY_LEVELS = ("privileged", "baseline", "restricted")
POD_SECURITY_MODES = ("enforce", "warn", "audit")
LIMITED_RESOURCES = ("cpu", "memory", "ephemeral-storage")

_TIER_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_POLICY_KEYS = (
    "defaultTier",
    "namePattern",
    "reservedNames",
    "reservedPrefixes",
    "exemptNames",
    "adminGroups",
)


@dataclass(frozen=True, slots=True)
class Tier:
    """A named set of limits; quantities stand as the file has them."""

    name: str
    quota: Mapping[str, str]
    default: Mapping[str, str]
    default_request: Mapping[str, str]
    pod_security: Mapping[str, str]
    revision: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One immutable snapshot of the catalogue file, replaced whole when the file changes."""

    default_tier: str
    name_pattern: re.Pattern[str]
    reserved_names: frozenset[str]
    reserved_prefixes: tuple[str, ...]
    exempt_names: frozenset[str]
    admin_groups: frozenset[str]
    tiers: Mapping[str, Tier]


def parse(document: object) -> Policy:
    """Validate a catalogue document. Raises InvalidPolicyError with every problem found."""
    reader = Reader()
    if not isinstance(document, Mapping):
        reader.mapping("", document)
        raise InvalidPolicyError(reader.problems)
    root = reader.mapping("", document, keys=("apiVersion", "kind", "policy", "tiers"))
    for key, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if key in root:
            reader.choice(key, str(root[key]), (expected,))
    tiers = _tiers(reader, root.get("tiers"))
    policy = _policy(reader, root.get("policy"), tiers)
    if reader.problems:
        raise InvalidPolicyError(reader.problems)
    return policy


def _policy(reader: Reader, value: object, tiers: dict[str, Tier]) -> Policy:
    rules = reader.mapping("policy", value, keys=_POLICY_KEYS)
    default_tier = reader.text("policy.defaultTier", rules.get("defaultTier"))
    if default_tier and tiers:
        reader.choice("policy.defaultTier", default_tier, tiers, what="a tier")
    return Policy(
        default_tier=default_tier,
        name_pattern=reader.pattern("policy.namePattern", rules.get("namePattern")),
        reserved_names=frozenset(reader.texts("policy.reservedNames", rules.get("reservedNames"))),
        reserved_prefixes=reader.texts("policy.reservedPrefixes", rules.get("reservedPrefixes")),
        exempt_names=frozenset(reader.texts("policy.exemptNames", rules.get("exemptNames"))),
        admin_groups=frozenset(reader.texts("policy.adminGroups", rules.get("adminGroups"))),
        tiers=tiers,
    )


def _tiers(reader: Reader, value: object) -> dict[str, Tier]:
    tiers = reader.mapping("tiers", value)
    if isinstance(value, Mapping) and not tiers:
        reader.problem("tiers", "no tier is defined", "define at least one, for instance `small`")
    return {str(name): _tier(reader, str(name), body) for name, body in tiers.items()}


def _tier(reader: Reader, name: str, value: object) -> Tier:
    path = f"tiers.{name}"
    if not _TIER_NAME.fullmatch(name):
        reader.problem(path, "a tier's name becomes a label value", "use lower-case letters, digits and '-'")
    body = reader.mapping(path, value, keys=("quota", "limitRange", "podSecurity"))
    quota = reader.quota(f"{path}.quota", body.get("quota"))
    default, default_request = _limits(reader, f"{path}.limitRange", body.get("limitRange"))
    pod_security = _pod_security(reader, f"{path}.podSecurity", body.get("podSecurity"))
    return Tier(
        name=name,
        quota=quota,
        default=default,
        default_request=default_request,
        pod_security=pod_security,
        revision=_revision(quota, default, default_request, pod_security),
    )


def _limits(reader: Reader, path: str, value: object) -> tuple[dict[str, str], dict[str, str]]:
    sides = reader.mapping(path, value, keys=("default", "defaultRequest"))
    default = reader.quantities(f"{path}.default", sides.get("default"))
    request = reader.quantities(f"{path}.defaultRequest", sides.get("defaultRequest"))
    for side, limits in (("default", default), ("defaultRequest", request)):
        for resource in limits:
            reader.choice(
                f"{path}.{side}.{resource}", resource, LIMITED_RESOURCES, what="a container resource"
            )
    for resource in sorted(default.keys() & set(LIMITED_RESOURCES) - request.keys()):
        detail = "is missing where there is a default limit"
        reader.problem(
            f"{path}.defaultRequest.{resource}", detail, f"say what the API server would: {default[resource]}"
        )
    for resource in sorted(default.keys() & request.keys()):
        if quantity.parse(request[resource]) > quantity.parse(default[resource]):
            reader.problem(
                f"{path}.defaultRequest.{resource}",
                f"{request[resource]} is above the default limit {default[resource]}",
                "a pod cannot request more than its limit",
            )
    return default, request


def _pod_security(reader: Reader, path: str, value: object) -> dict[str, str]:
    found = {}
    for mode, level in reader.mapping(path, value).items():
        reader.choice(f"{path}.{mode}", str(mode), POD_SECURITY_MODES, what="a mode")
        reader.choice(f"{path}.{mode}", str(level), POD_SECURITY_LEVELS, what="a level")
        found[str(mode)] = str(level)
    return found


def _revision(*parts: Mapping[str, str]) -> str:
    """Short hash of all that a tier says: two tiers that say the same have the same."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
