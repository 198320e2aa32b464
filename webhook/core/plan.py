"""What has to be written so that a namespace holds its bundle. Equal objects are not written."""

from collections.abc import Mapping
from typing import Any

from webhook.core import quantity
from webhook.core.model import Action, Bundle, Change, Manifest, ObjectKey, key_of

_IMMUTABLE = {"RoleBinding": "roleRef"}
_QUANTITY_KINDS = frozenset({"LimitRange", "ResourceQuota"})
_IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})


def changes(
    bundle: Bundle, observed: Mapping[ObjectKey, Manifest], *, was_complete: bool
) -> tuple[Change, ...]:
    """The writes, in the bundle's order. `observed` holds what of ours the namespace has now.

    In a namespace that `was_complete`, what is missing was taken from us: its place is ours, whoever
    stands in it now. In a new one, somebody may have been there before us.
    """
    found = []
    for desired in bundle.objects:
        current = observed.get(key_of(desired))
        if current is None:
            found.append(Change(Action.RESTORE if was_complete else Action.CREATE, desired))
        elif (mending := action(desired, current)) is not None:
            found.append(Change(mending, desired, current))
    return tuple(found)


def action(desired: Manifest, current: Manifest) -> Action | None:
    """How to bring `current` to `desired`; None when nothing differs.

    Bundle objects are ours whole, so a field that somebody added is a difference as well; apply
    cannot take such a field away, a replace can.
    """
    immutable = _IMMUTABLE.get(desired["kind"])
    if immutable is not None and desired[immutable] != current.get(immutable):
        return Action.RECREATE
    by_value = desired["kind"] in _QUANTITY_KINDS
    wanted, actual = _content(desired), _content(current)
    if not _within(actual, wanted, by_value=by_value):
        return Action.REPLACE
    if not _within(wanted, actual, by_value=by_value) or not _metadata_stands(desired, current):
        return Action.APPLY
    return None


def _content(manifest: Manifest) -> Manifest:
    return {key: value for key, value in manifest.items() if key not in _IDENTITY}


def _metadata_stands(desired: Manifest, current: Manifest) -> bool:
    """Labels and annotations of ours; others may add their own."""
    return all(
        _within(desired["metadata"].get(part, {}), current["metadata"].get(part) or {}, by_value=False)
        for part in ("labels", "annotations")
    )


def _within(part: Any, whole: Any, *, by_value: bool) -> bool:
    """Whether everything `part` says, `whole` says too. Lists are compared item by item."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(part[key], whole[key], by_value=by_value) for key in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(
            _within(one, other, by_value=by_value) for one, other in zip(part, whole, strict=True)
        )
    if by_value and isinstance(part, str) and isinstance(whole, str):
        return quantity.equal(part, whole)
    return bool(part == whole)
