"""Single edits of a manifest, of which changes are made."""

import copy
from collections.abc import Callable

from tests.attack import words
from tests.attack.words import MANAGED_BY, TEAM, TIER, Manifest

Edit = Callable[[Manifest], None]
"""Works in place."""


def edited(manifest: Manifest, edit: Edit) -> Manifest:
    """A copy with the edit made."""
    changed = copy.deepcopy(manifest)
    edit(changed)
    return changed


def _set(part: str, values: dict[str, str | None]) -> Edit:
    def edit(manifest: Manifest) -> None:
        whole = manifest["metadata"].setdefault(part, {})
        for key, value in values.items():
            if value is None:
                whole.pop(key, None)
            else:
                whole[key] = value

    return edit


def labels(**values: str | None) -> Edit:
    """Labels to set, or with None to take away, by the short names below."""
    return _set("labels", {_SHORT[key]: value for key, value in values.items()})


def notes(**values: str | None) -> Edit:
    """The same of annotations."""
    return _set("annotations", {_SHORT[key]: value for key, value in values.items()})


def plain_labels(values: dict[str, str | None]) -> Edit:
    return _set("labels", values)


def plain_notes(values: dict[str, str | None]) -> Edit:
    return _set("annotations", values)


def owners(*references: Manifest) -> Edit:
    def edit(manifest: Manifest) -> None:
        manifest["metadata"]["ownerReferences"] = list(references)

    return edit


def finalizers(*names: str) -> Edit:
    """Those of the spec, which only one door leads to."""

    def edit(manifest: Manifest) -> None:
        manifest["spec"] = {"finalizers": list(names)}

    return edit


def both(one: Edit, other: Edit) -> Edit:
    def edit(manifest: Manifest) -> None:
        one(manifest)
        other(manifest)

    return edit


def labels_null(manifest: Manifest) -> None:
    manifest["metadata"]["labels"] = None


def labels_absent(manifest: Manifest) -> None:
    """The whole map left out, which an update takes for none."""
    del manifest["metadata"]["labels"]


_SHORT = {
    "tier": TIER,
    "team": TEAM,
    "manager": MANAGED_BY,
    "expires": words.EXPIRES_AT,
    "enforce": words.ENFORCE,
    "warn": words.WARN,
    "audit": words.AUDIT,
    "requester": words.REQUESTED_BY,
    "ttl": words.TTL,
    "quota": words.QUOTA,
    "protection": words.PROTECTION,
    "idle": words.IDLE_SINCE,
    "force": words.FORCE,
}

DANGLING: Manifest = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "gone"}
DANGLING |= {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002"}
FORGED: Manifest = {"apiVersion": "v1", "kind": "Namespace", "name": "kube-system", "controller": True}
FORGED |= {"uid": "00000000-0000-4000-8000-000000000000"}
