"""JSON Patch (RFC 6902) for added keys: the only change a mutation makes."""

from collections.abc import Mapping
from typing import Any

from webhook.core.model import Additions


def operations(additions: Additions, *, has_labels: bool, has_annotations: bool) -> list[dict[str, Any]]:
    """The fewest `add` operations that bring `additions` into an object's metadata.

    A map that the object does not have (or has as null) is added whole; into one that exists only
    single keys go, so that nothing another webhook put there meanwhile is lost.
    """
    return [
        *_into("/metadata/labels", additions.labels, exists=has_labels),
        *_into("/metadata/annotations", additions.annotations, exists=has_annotations),
    ]


def escape(key: str) -> str:
    """A key as one reference token of a JSON Pointer (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def _into(path: str, added: Mapping[str, str], *, exists: bool) -> list[dict[str, Any]]:
    if not added:
        return []
    if not exists:
        return [{"op": "add", "path": path, "value": dict(added)}]
    return [{"op": "add", "path": f"{path}/{escape(key)}", "value": value} for key, value in added.items()]
