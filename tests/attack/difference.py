"""What lies between an object as it is and as an attacker wants it, in the forms that patches take.

A value of None in the wanted object means that the key is sent as null.
"""

import copy
from collections.abc import Iterator
from typing import Any

from tests.attack.words import Manifest

_GIVEN_BY_SERVER = ("managedFields", "resourceVersion", "generation", "creationTimestamp")


def plain(live: Manifest) -> Manifest:
    """A copy without what the server would not let anybody state, or would take as a precondition."""
    found = copy.deepcopy(live)
    for key in _GIVEN_BY_SERVER:
        found["metadata"].pop(key, None)
    return found


def merge_patch(live: Manifest, wanted: Manifest) -> Manifest:
    """RFC 7386: what differs, with null for what goes."""
    patch: Manifest = {key: None for key in live if key not in wanted}
    for key, value in wanted.items():
        before = live.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = merge_patch(before, value)
            patch |= {key: inner} if inner else {}
        elif key not in live or value != before:
            patch[key] = value
    return patch


def json_patch(live: Manifest, wanted: Manifest, path: str = "") -> list[Manifest]:
    """RFC 6902: the same as single operations."""
    operations: list[Manifest] = []
    for key in [key for key in live if wanted.get(key) is None]:
        operations.append({"op": "remove", "path": f"{path}/{_escaped(key)}"})
    for key, value in wanted.items():
        here, before = f"{path}/{_escaped(key)}", live.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            operations += json_patch(before, value, here)
        elif value is not None and value != before:
            operations.append({"op": "add" if key not in live else "replace", "path": here, "value": value})
    return operations


def stated(live: Manifest, wanted: Manifest) -> Manifest:
    """What a second manager has to apply: that which is new or different. It can take nothing away."""
    found: Manifest = {}
    for key, value in wanted.items():
        before = live.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = stated(before, value)
            found |= {key: inner} if inner else {}
        elif value is not None and value != before:
            found[key] = value
    return found


def overwritten(live: Manifest, wanted: Manifest) -> Iterator[tuple[str, ...]]:
    """The paths whose values change: somebody else's, so that an apply without force is a conflict."""
    for key, value in wanted.items():
        before = live.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            yield from ((key, *rest) for rest in overwritten(before, value))
        elif before is not None and value is not None and value != before:
            yield (key,)


def _escaped(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
