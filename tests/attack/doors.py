"""The doors by which a change of an existing object can come."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from tests.attack import difference
from tests.attack.client import Request
from tests.attack.words import FIRST_MANAGER, MANAGER, NAME_LABEL, Manifest

_JSON, _MERGE, _STRATEGIC = (
    f"application/{kind}+json" for kind in ("json-patch", "merge-patch", "strategic-merge-patch")
)
_APPLY = "application/apply-patch+yaml"
_ATTACKER = "attacker"

Make = Callable[[Manifest, Manifest, str], "Request | None"]
"""From an object as it is, as it is wanted, and its path; None for what the door cannot say."""


@dataclass(frozen=True, slots=True)
class Door:
    """`subresource` is empty for the object itself."""

    name: str
    make: Make
    subresource: str = ""
    patient: bool = False
    """Whether a conflict with another field manager is respected."""

    def request(self, live: Manifest, wanted: Manifest, path: str) -> Request | None:
        full = f"{path}/{self.subresource}" if self.subresource else path
        return self.make(difference.plain(live), wanted, full)

    def conflicts(self, live: Manifest, wanted: Manifest) -> bool:
        """Whether the API server itself refuses: the values changed are another manager's.

        The label with the name it puts right again before it compares.
        """
        paths = difference.overwritten(difference.plain(live), wanted)
        return self.patient and any(path[-1] != NAME_LABEL for path in paths)


def _put(live: Manifest, wanted: Manifest, path: str) -> Request:
    return Request("PUT", path, wanted)


def _json_patch(live: Manifest, wanted: Manifest, path: str) -> Request:
    return Request("PATCH", path, difference.json_patch(live, wanted), _JSON)


def _merge_patch(live: Manifest, wanted: Manifest, path: str) -> Request:
    return Request("PATCH", path, difference.merge_patch(live, wanted), _MERGE)


def _strategic(live: Manifest, wanted: Manifest, path: str) -> Request:
    return Request("PATCH", path, difference.merge_patch(live, wanted), _STRATEGIC)


def _strategic_replace(live: Manifest, wanted: Manifest, path: str) -> Request | None:
    """The maps as a whole, by the directive that only this kind of patch has."""
    before, after = live["metadata"], wanted["metadata"]
    maps = {key: after.get(key) or {} for key in ("labels", "annotations") if key in before}
    if any(maps[key] != before[key] for key in maps):
        replaced = {key: {**value, "$patch": "replace"} for key, value in maps.items()}
        return Request("PATCH", path, {"metadata": replaced}, _STRATEGIC)
    return None


def _apply(manager: str, *, force: bool) -> Make:
    def make(live: Manifest, wanted: Manifest, path: str) -> Request | None:
        part = difference.stated(live, wanted)
        return _applied(live, part, path, manager, force=force) if part else None

    return make


def _apply_again(manager: str) -> Make:
    """In the name of the first manager, whose fields go when they are stated no more."""

    def make(live: Manifest, wanted: Manifest, path: str) -> Request | None:
        metadata = {key: value for key, value in wanted["metadata"].items() if value is not None}
        metadata.pop("uid", None)
        body = {key: value for key, value in wanted.items() if key not in ("status", "metadata")}
        return _applied(live, copy.deepcopy({**body, "metadata": metadata}), path, manager, force=True)

    return make


def _applied(live: Manifest, part: Manifest, path: str, manager: str, *, force: bool) -> Request | None:
    if "managedFields" in part.get("metadata", {}):
        return None  # an apply that states them is refused before it reaches anybody
    metadata = {**part.get("metadata", {}), "name": live["metadata"]["name"]}
    body = {**part, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
    query = {"fieldManager": manager, "force": str(force).lower()}
    return Request("PATCH", path, body, _APPLY, query)


def applied(manifest: Manifest, path: str, manager: str) -> Request:
    """A whole object by forced server-side apply."""
    query = {"fieldManager": manager, "force": "true"}
    return Request("PATCH", path, manifest, _APPLY, query)


PATCHES = (
    Door("update", _put),
    Door("JSON patch", _json_patch),
    Door("merge patch", _merge_patch),
    Door("strategic patch", _strategic),
)
OBJECT = (
    *PATCHES,
    Door("apply", _apply(_ATTACKER, force=False), patient=True),
    Door("forced apply", _apply(_ATTACKER, force=True)),
    Door("apply as ns-provisioner", _apply_again(MANAGER)),
)
NAMESPACE = (
    *PATCHES,
    Door("strategic patch that replaces", _strategic_replace),
    Door("apply", _apply(_ATTACKER, force=False), patient=True),
    Door("forced apply", _apply(_ATTACKER, force=True)),
    Door("apply as the first manager", _apply_again(FIRST_MANAGER)),
)
STATUS = (
    Door("update of status", _put, "status"),
    Door("JSON patch of status", _json_patch, "status"),
    Door("merge patch of status", _merge_patch, "status"),
    Door("strategic patch of status", _strategic, "status"),
    Door("forced apply of status", _apply(_ATTACKER, force=True), "status"),
)
FINALIZE = (Door("update of finalize", _put, "finalize"),)
EVERY_NAMESPACE_DOOR = (*NAMESPACE, *STATUS, *FINALIZE)
