"""What must be as it was after an attack. It looks at what is stored, and knows none of our code."""

from tests.attack.actors import MEMBER, Actor
from tests.attack.words import (
    AUDIT,
    ENFORCE,
    EXPIRES_AT,
    FORCE,
    IDLE_SINCE,
    MANAGED_BY,
    MANAGER,
    PROTECTION,
    REQUESTED_BY,
    SETTINGS,
    TEAM,
    TIER,
    WARN,
    Manifest,
)

_LEVELS = ("privileged", "baseline", "restricted")
_FLOORS = {ENFORCE: "baseline", WARN: "restricted"}
_MINE = ("metadata", "spec", "data", "subjects", "roleRef")
_SERVERS = ("resourceVersion", "generation", "managedFields")


def namespace_thefts(before: Manifest, after: Manifest | None, actor: Actor) -> list[str]:
    """What an actor has got hold of; empty when the namespace is still what, and whose, it was."""
    if _is_going(after, before) and not _is_going(before, before):
        may = not _is_managed(before) or (actor == MEMBER and not _is_protected(before))
        return [] if may else ["deleted"]
    if after is None:
        return []  # it was going, and has gone
    found = [f"label {key}" for key in (TIER, TEAM, EXPIRES_AT) if _label(before, key) != _label(after, key)]
    if MANAGER in (_label(before, MANAGED_BY), _label(after, MANAGED_BY)) and (
        _label(before, MANAGED_BY) != _label(after, MANAGED_BY)
    ):
        found.append(f"label {MANAGED_BY}")
    notes = (REQUESTED_BY, IDLE_SINCE, FORCE)
    found += [f"annotation {key}" for key in notes if _note(before, key) != _note(after, key)]
    return found + (_guarded(before, after, actor) if _is_managed(before) else [])


def _guarded(before: Manifest, after: Manifest, actor: Actor) -> list[str]:
    """What is safe in a managed namespace only."""
    found = [f"label {key}" for key, floor in _FLOORS.items() if _rank(after, key) < _LEVELS.index(floor)]
    pins = [f"{key}-version" for key in (ENFORCE, WARN, AUDIT)]
    found += [f"label {key}" for key in pins if (_label(after, key) or "latest") != "latest"]
    if after["metadata"].get("ownerReferences"):
        found.append("ownerReferences")
    if _is_protected(before) and _note(after, PROTECTION) == "false" and _label(before, TIER) == "vault":
        found.append(f"annotation {PROTECTION}")
    if "deletionTimestamp" not in before["metadata"]:  # or else Kubernetes takes them away itself
        lost = set(before["spec"]["finalizers"]) - set(after["spec"].get("finalizers", []))
        found += [f"finalizer {each}" for each in lost]
    if actor != MEMBER:
        found += [f"annotation {key}" for key in SETTINGS if _note(before, key) != _note(after, key)]
    return found


def object_thefts(before: Manifest, after: Manifest | None) -> list[str]:
    """What has become of an object of ours. No pods come and go, so a quota's status stays what it is."""
    if after is None or after["metadata"]["uid"] != before["metadata"]["uid"]:
        return ["deleted"]
    found = [part for part in _MINE if _own(before, part) != _own(after, part)]
    if _managers(before) != _managers(after):
        found.append("managedFields")
    if before.get("status") != after.get("status"):
        found.append("status")
    return found


def _own(manifest: Manifest, part: str) -> object:
    value = manifest.get(part)
    if part != "metadata" or value is None:
        return value
    return {key: each for key, each in value.items() if key not in _SERVERS}


def _managers(manifest: Manifest) -> list[object]:
    """Who owns fields of the object; its status belongs to a controller."""
    entries = manifest["metadata"].get("managedFields", [])
    return sorted(entry["manager"] for entry in entries if not entry.get("subresource"))


def _is_going(manifest: Manifest | None, before: Manifest) -> bool:
    if manifest is None or manifest["metadata"]["uid"] != before["metadata"]["uid"]:
        return True
    return "deletionTimestamp" in manifest["metadata"]


def _is_managed(manifest: Manifest) -> bool:
    return _label(manifest, MANAGED_BY) == MANAGER


def _is_protected(manifest: Manifest) -> bool:
    """By its annotation or by its tier: the catalogue has one that protects."""
    by_tier = _label(manifest, TIER) == "vault" and _note(manifest, PROTECTION) != "false"
    return by_tier or _note(manifest, PROTECTION) == "true"


def _rank(manifest: Manifest, key: str) -> int:
    level = _label(manifest, key)
    return _LEVELS.index(level) if level in _LEVELS else -1


def _label(manifest: Manifest, key: str) -> str | None:
    found: str | None = manifest["metadata"].get("labels", {}).get(key)
    return found


def _note(manifest: Manifest, key: str) -> str | None:
    found: str | None = manifest["metadata"].get("annotations", {}).get(key)
    return found
