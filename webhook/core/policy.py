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
from webhook.core.document import Document
from webhook.core.errors import InvalidPolicyError

API_VERSION = "ns-provisioner.io/v1alpha1"
KIND = "TierCatalogue"

POD_SECURITY_LEVELS = ("privileged", "baseline", "restricted")
POD_SECURITY_MODES = ("enforce", "warn", "audit")
UNLABELLED = ("default", "deny", "ignore")
"""What a namespace created without a tier label gets: the default tier, a denial, nothing at all."""

LIMITED_RESOURCES = ("cpu", "memory", "ephemeral-storage")

SYSTEM_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""Exempt whatever the catalogue says: no setting may put the cluster's own under our webhooks."""

_POLICY_KEYS = (
    "defaultTier",
    "unlabelled",
    "namePattern",
    "reservedNames",
    "reservedPrefixes",
    "exemptNames",
    "adminGroups",
    "requesters",
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
    """One immutable snapshot of the catalogue file."""

    default_tier: str
    unlabelled: str
    name_pattern: re.Pattern[str]
    reserved_names: frozenset[str]
    reserved_prefixes: tuple[str, ...]
    exempt_names: frozenset[str]
    admin_groups: frozenset[str]
    requesters: frozenset[str]
    tiers: Mapping[str, Tier]


def parse(content: object) -> Policy:
    """Validate the content of a catalogue file. Raises InvalidPolicyError with every problem found."""
    document = Document()
    if not isinstance(content, Mapping):
        document.mapping("", content)
        raise InvalidPolicyError(document.problems)
    root = document.mapping("", content, keys=("apiVersion", "kind", "policy", "tiers"))
    for key, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if key in root:
            document.choice(key, str(root[key]), (expected,))
    tiers = _tiers(document, root.get("tiers"))
    policy = _policy(document, root.get("policy"), tiers)
    if document.problems:
        raise InvalidPolicyError(document.problems)
    return policy


def _policy(document: Document, value: object, tiers: dict[str, Tier]) -> Policy:
    rules = document.mapping("policy", value, keys=_POLICY_KEYS)
    default_tier = document.text("policy.defaultTier", rules.get("defaultTier"))
    unlabelled = document.text("policy.unlabelled", rules.get("unlabelled"))
    if unlabelled:
        document.choice("policy.unlabelled", unlabelled, UNLABELLED, what="a known way")
    if default_tier and tiers:
        document.choice("policy.defaultTier", default_tier, tiers, what="a tier")
    return Policy(
        default_tier=default_tier,
        unlabelled=unlabelled,
        name_pattern=document.pattern("policy.namePattern", rules.get("namePattern")),
        reserved_names=frozenset(document.texts("policy.reservedNames", rules.get("reservedNames"))),
        reserved_prefixes=document.texts("policy.reservedPrefixes", rules.get("reservedPrefixes")),
        exempt_names=SYSTEM_NAMESPACES.union(document.names("policy.exemptNames", rules.get("exemptNames"))),
        admin_groups=frozenset(document.texts("policy.adminGroups", rules.get("adminGroups"))),
        requesters=frozenset(document.texts("policy.requesters", rules.get("requesters"))),
        tiers=tiers,
    )


def _tiers(document: Document, value: object) -> dict[str, Tier]:
    tiers = document.mapping("tiers", value)
    if isinstance(value, Mapping) and not tiers:
        document.problem("tiers", "no tier is defined", "define at least one, for instance `small`")
    return {str(name): _tier(document, str(name), body) for name, body in tiers.items()}


def _tier(document: Document, name: str, value: object) -> Tier:
    path = f"tiers.{name}"
    document.names("tiers", [name])
    body = document.mapping(path, value, keys=("quota", "limitRange", "podSecurity"))
    quota = document.quota(f"{path}.quota", body.get("quota"))
    default, default_request = _limits(document, f"{path}.limitRange", body.get("limitRange"))
    pod_security = _pod_security(document, f"{path}.podSecurity", body.get("podSecurity"))
    return Tier(
        name=name,
        quota=quota,
        default=default,
        default_request=default_request,
        pod_security=pod_security,
        revision=_revision(quota, default, default_request, pod_security),
    )


def _limits(document: Document, path: str, value: object) -> tuple[dict[str, str], dict[str, str]]:
    sides = document.mapping(path, value, keys=("default", "defaultRequest"))
    default = document.quantities(f"{path}.default", sides.get("default"))
    request = document.quantities(f"{path}.defaultRequest", sides.get("defaultRequest"))
    for side, limits in (("default", default), ("defaultRequest", request)):
        for resource in limits:
            document.choice(
                f"{path}.{side}.{resource}", resource, LIMITED_RESOURCES, what="a container resource"
            )
    for resource in sorted(default.keys() & set(LIMITED_RESOURCES) - request.keys()):
        detail = "is missing where there is a default limit"
        document.problem(
            f"{path}.defaultRequest.{resource}", detail, f"say what the API server would: {default[resource]}"
        )
    for resource in sorted(default.keys() & request.keys()):
        if quantity.parse(request[resource]) > quantity.parse(default[resource]):
            document.problem(
                f"{path}.defaultRequest.{resource}",
                f"{request[resource]} is above the default limit {default[resource]}",
                "a pod cannot request more than its limit",
            )
    return default, request


def _pod_security(document: Document, path: str, value: object) -> dict[str, str]:
    found = {}
    for mode, level in document.mapping(path, value).items():
        document.choice(f"{path}.{mode}", str(mode), POD_SECURITY_MODES, what="a mode")
        document.choice(f"{path}.{mode}", str(level), POD_SECURITY_LEVELS, what="a level")
        found[str(mode)] = str(level)
    return found


def _revision(*parts: Mapping[str, str]) -> str:
    """Short hash of all that a tier says: two tiers that say the same have the same."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
