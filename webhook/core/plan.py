"""What has to be written so that a namespace holds its bundle. Equal objects are not written."""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.core import labels, quantity
from webhook.core.model import Action, Bundle, Change, Manifest, ObjectKey, key_of

_IMMUTABLE = {"RoleBinding": "roleRef"}
_QUANTITY_KINDS = frozenset({"LimitRange", "ResourceQuota"})
_IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})


def changes(
    bundle: Bundle,
    observed: Mapping[ObjectKey, Manifest],
    *,
    was_complete: bool,
    adoption: str = "Never",
) -> tuple[Change, ...]:
    """The writes. `observed` holds what of ours the namespace has now.

    Access that is no longer given goes first, then comes the bundle in its order, and last goes what
    else the tier has no more. In a namespace that `was_complete`, what is missing was taken from us: its
    place is ours, whoever stands in it now. In a new one, somebody may have been there before us.
    """
    pruned = _pruned(bundle, observed)
    return (
        *(change for change in pruned if change.manifest["kind"] == "RoleBinding"),
        *_written(bundle, observed, was_complete=was_complete, adoption=adoption),
        *(change for change in pruned if change.manifest["kind"] != "RoleBinding"),
    )


def _pruned(bundle: Bundle, observed: Mapping[ObjectKey, Manifest]) -> list[Change]:
    """What carries the label of a revision, and so was made for some tier, and is not in the bundle."""
    wanted = {key_of(manifest) for manifest in bundle.objects}
    return [
        Change(Action.PRUNE, current, current)
        for key, current in observed.items()
        if key not in wanted and labels.TIER_REVISION in (current["metadata"].get("labels") or {})
    ]


def _written(
    bundle: Bundle, observed: Mapping[ObjectKey, Manifest], *, was_complete: bool, adoption: str
) -> Iterator[Change]:
    for desired in bundle.objects:
        current = observed.get(key_of(desired))
        if current is None:
            anew = Action.RESTORE if was_complete else Action.CREATE
            yield Change(anew, desired, adoption=adoption)
        elif (mending := action(desired, current)) is not None:
            yield Change(mending, desired, current)


def may_adopt(desired: Manifest, foreign: Manifest, adoption: str) -> bool:
    """Whether somebody else's object becomes ours; its labels do not count for IfIdentical."""
    if adoption == "IfIdentical":
        bare = {**foreign, "metadata": desired["metadata"]}
        return action(desired, bare) is None
    return adoption == "Always"


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
    if not _within(actual, wanted, by_value=by_value) or _is_tied(current):
        return Action.REPLACE
    if not _within(wanted, actual, by_value=by_value) or not _metadata_stands(desired, current):
        return Action.APPLY
    return None


def _content(manifest: Manifest) -> Manifest:
    return {key: value for key, value in manifest.items() if key not in _IDENTITY}


def _is_tied(current: Manifest) -> bool:
    """Whether an owner could have the object deleted, or a finalizer keep it from going."""
    metadata = current["metadata"]
    return bool(metadata.get("ownerReferences") or metadata.get("finalizers"))


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
