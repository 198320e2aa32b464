"""Reads the tiers of a catalogue: inheritance first, then each tier as if it had said everything itself."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from webhook.core import extras, labels, lifetime, networkpolicies, quantity, quotakeys
from webhook.core.document import Document
from webhook.core.errors import Problem
from webhook.core.model import ObjectKey
from webhook.core.policy import EVERYBODY, POD_SECURITY_LEVELS, POD_SECURITY_MODES, Bounds, Tier

LIMITED_RESOURCES = ("cpu", "memory", "ephemeral-storage")

REQUIRED_KEYS = ("quota", "limitRange", "podSecurity")
LIFE_KEYS = ("ttl", "maxTtl", "idleTtl", "deletionProtection")
OPTIONAL_KEYS = (
    *("networkPolicies", "extraManifests", "overrides", "allowed"),
    *LIFE_KEYS,
    *("title", "abstract", "extends", "replacedBy"),
)
RENDERING = 1
"""To be counted up when `core/bundle.py` makes other objects of the same tier: existing namespaces then
follow as they do when the catalogue changes."""

_OWN_KEYS = ("title", "abstract", "extends", "replacedBy")
"""Said of one tier, and not inherited."""

Raw = Mapping[Any, Any]


def read(document: Document, value: object, defaults: Raw) -> dict[str, Tier]:
    """All tiers that are not abstract, by name. `defaults` hold for every tier that says nothing."""
    bodies = document.mapping("tiers", value)
    document.names("tiers", [str(name) for name in bodies])
    raw = {str(name): document.mapping(f"tiers.{name}", body) for name, body in bodies.items()}
    found, told = {}, set(document.problems)
    for name, body in raw.items():
        abstract = document.flag(f"tiers.{name}.abstract", body.get("abstract", False))
        lineage = _lineage(document, name, raw)
        scratch = Document()
        tier = _tier(scratch, name, _resolved([raw[each] for each in lineage], defaults))
        for problem in scratch.problems:
            placed = _where_it_stands(problem, lineage, raw, defaults, whole=abstract)
            if placed is not None and placed not in told:
                told.add(placed)
                document.problems.append(placed)
        if not abstract:
            found[name] = tier
    if isinstance(value, Mapping) and not found:
        document.problem("tiers", "no tier is defined", "define at least one, for instance `small`")
    for name, tier in found.items():
        if tier.replaced_by is not None:
            others = found.keys() - {name}
            document.choice(f"tiers.{name}.replacedBy", tier.replaced_by, others, what="a tier")
    return found


def _lineage(document: Document, name: str, raw: Mapping[str, Raw]) -> list[str]:
    """A tier and its ancestors, nearest first. Each mistake is told of the tier that makes it."""
    lineage, current = [name], raw[name]
    while (parent := current.get("extends")) is not None:
        if str(parent) not in raw:
            if lineage == [name]:
                document.choice(f"tiers.{name}.extends", str(parent), raw.keys() - {name}, what="a tier")
            break
        if str(parent) in lineage:
            if parent == name:
                circle = " -> ".join([*lineage, name])
                document.problem(f"tiers.{name}.extends", f"{circle} is a circle")
            break
        lineage.append(str(parent))
        current = raw[str(parent)]
    return lineage


def _resolved(bodies: list[Raw], defaults: Raw) -> dict[Any, Any]:
    """What a tier says together with its parents (`bodies`, nearest first): the nearest wins."""
    merged = dict(defaults)
    for body in reversed(bodies):
        inherited = {key: item for key, item in merged.items() if key not in _OWN_KEYS}
        merged = _merged(inherited, body)
    return merged


def _where_it_stands(
    problem: Problem, lineage: list[str], raw: Mapping[str, Raw], defaults: Raw, *, whole: bool
) -> Problem | None:
    """The problem, told of the ancestor (or the defaults) that says what is wrong.

    With `whole`, None for what nobody says: heirs of an abstract tier may.
    """
    here = f"tiers.{lineage[0]}"
    rest = problem.path.removeprefix(here).removeprefix(".")
    places = [*((f"tiers.{name}", raw[name]) for name in lineage), ("defaults", defaults)]
    place, body = max(places, key=lambda each: _stated(each[1], rest))
    stated = _stated(body, rest)
    if whole and stated < len(rest):
        return None
    if not stated:
        return problem
    return Problem(f"{place}.{rest}", problem.detail, problem.suggestion)


def _stated(body: object, path: str) -> int:
    """How much of a path a body says, in characters."""
    if not isinstance(body, Mapping):
        return 0
    for key, item in body.items():
        if path == key:
            return len(path)
        if path.startswith((f"{key}.", f"{key}[")):
            return len(key) + _stated(item, path[len(key) + 1 :])
    return 0


def _merged(base: Raw, change: Raw) -> dict[Any, Any]:
    """`change` over `base`: mappings merge, null takes a key away, everything else replaces."""
    merged = dict(base)
    for key, item in change.items():
        if item is None:
            merged.pop(key, None)
        elif isinstance(item, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], item)
        else:
            merged[key] = item
    return merged


def _tier(document: Document, name: str, body: Raw) -> Tier:
    path = f"tiers.{name}"
    document.mapping(path, body, required=REQUIRED_KEYS, optional=OPTIONAL_KEYS)
    quota = document.quota(f"{path}.quota", body.get("quota"))
    default, default_request = _limits(document, f"{path}.limitRange", body.get("limitRange"))
    pod_security = _pod_security(document, f"{path}.podSecurity", body.get("podSecurity"))
    policies = networkpolicies.read(
        document, f"{path}.networkPolicies", body.get("networkPolicies", list(networkpolicies.STANDARD))
    )
    taken = {ObjectKey("LimitRange", "default"), ObjectKey("ResourceQuota", "default")}
    taken |= {ObjectKey("RoleBinding", "team-edit"), *(ObjectKey("NetworkPolicy", each) for each in policies)}
    manifests = extras.read(document, f"{path}.extraManifests", body.get("extraManifests", []), taken=taken)
    return Tier(
        name=name,
        title=document.text(f"{path}.title", body.get("title", name)),
        quota=quota,
        default=default,
        default_request=default_request,
        pod_security=pod_security,
        network_policies=policies,
        extra_manifests=manifests,
        revision=_revision(quota, default, default_request, pod_security, policies, manifests),
        overrides=_overrides(document, f"{path}.overrides", body.get("overrides", {}), quota),
        allowed_groups=_allowed(document, f"{path}.allowed", body.get("allowed", {"groups": [EVERYBODY]})),
        replaced_by=str(body["replacedBy"]) if body.get("replacedBy") is not None else None,
        **_life(document, path, body, quota),
    )


def _limits(document: Document, path: str, value: object) -> tuple[dict[str, str], dict[str, str]]:
    sides = document.mapping(path, value, required=("default", "defaultRequest"), optional=())
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


def _overrides(document: Document, path: str, value: object, quota: Mapping[str, str]) -> dict[str, Bounds]:
    """Quota keys that a request may set by itself, within bounds that leave room for the tier's own."""
    keys = document.mapping(path, value, optional=("quota",)).get("quota", {})
    found = {}
    for key, item in document.mapping(f"{path}.quota", keys).items():
        place = f"{path}.quota.{key}"
        if not quotakeys.is_known(str(key)):
            document.problem(place, f"{key} is not a quota key", quotakeys.advice(str(key)))
        elif str(key) not in quota:
            document.problem(place, "the tier has no such limit", f"add it to the tier's quota: {key}")
        bounds = document.quantities(place, document.mapping(place, item, optional=("min", "max")))
        low, high = bounds.get("min"), bounds.get("max")
        found[str(key)] = Bounds(low, high)
        own = quota.get(str(key), low or high or "0")
        if (low and quantity.parse(own) < quantity.parse(low)) or (
            high and quantity.parse(own) > quantity.parse(high)
        ):
            document.problem(place, f"the tier's own {own} is not within these bounds", "widen them")
    return found


def _allowed(document: Document, path: str, value: object) -> frozenset[str]:
    groups = document.mapping(path, value, required=("groups",), optional=()).get("groups")
    found = document.texts(f"{path}.groups", groups)
    if groups == []:
        document.problem(
            f"{path}.groups", "is empty, so nobody could have the tier", f'name groups, or "{EVERYBODY}"'
        )
    return frozenset(found)


def _life(document: Document, path: str, body: Raw, quota: Mapping[str, str]) -> dict[str, Any]:
    ttl = document.lifetime(f"{path}.ttl", body.get("ttl"))
    max_ttl = document.lifetime(f"{path}.maxTtl", body.get("maxTtl"))
    if ttl and max_ttl and lifetime.parse(ttl) > lifetime.parse(max_ttl):
        document.problem(f"{path}.ttl", f"{ttl} is longer than maxTtl {max_ttl}")
    idle_ttl = document.lifetime(f"{path}.idleTtl", body.get("idleTtl"))
    if idle_ttl and quantity.parse(quota.get("pods", "0")) == 0:
        detail = "whether a namespace has pods is read from its quota, which does not count them"
        document.problem(f"{path}.idleTtl", detail, "add pods to the tier's quota")
    protection = document.flag(f"{path}.deletionProtection", body.get("deletionProtection", False))
    if protection and idle_ttl:
        detail = "a namespace that ends without pods cannot be protected from deletion"
        document.problem(f"{path}.deletionProtection", detail, "choose one of the two")
    if protection and (ttl or max_ttl):
        detail = f"a namespace that {labels.TTL} ends cannot be protected from deletion"
        document.problem(f"{path}.deletionProtection", detail, "choose one of the two")
    return {"ttl": ttl, "max_ttl": max_ttl, "idle_ttl": idle_ttl, "deletion_protection": protection}


def _revision(*parts: object) -> str:
    """Short hash of all that a tier puts into a namespace: two that say the same have the same."""
    text = json.dumps((RENDERING, *parts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
