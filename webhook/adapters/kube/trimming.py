"""What is kept of an object: what decisions look at, and equal parts only once.

Ten thousand bundles of a few tiers differ in names, uids and versions; their specs, labels and
subjects are a few hundred different values. Kept objects share these, so nobody may change them.
"""

import sys
from typing import Any

import msgspec

from webhook.adapters.kube.resources import Resource
from webhook.core.model import Manifest

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_UNIQUE = frozenset({"uid", "resourceVersion"})

SHARED_BYTES = 4096
"""Parts longer than this, as JSON, are kept as they come."""

SHARED_PARTS = 2048
"""So many different parts are known; then all are forgotten, and known again as they come."""


class Trimmer:
    """Trims the objects of one kind. Call it with an object as the API server sent it."""

    def __init__(self, resource: Resource) -> None:
        self._head = {"apiVersion": resource.api_version, "kind": resource.kind}
        self._status = resource.status
        self._parts: dict[bytes, Any] = {}

    def __call__(self, manifest: Manifest) -> Manifest:
        """A copy without managedFields, last-applied annotation and needless status.

        It says apiVersion and kind, which the items of a list do not. Raises LookupError, TypeError,
        ValueError or AttributeError for what is not an object of the API.
        """
        kept = {**self._head, "metadata": self._metadata(manifest["metadata"])}
        for field, value in manifest.items():
            if field == "status":
                value = {name: value[name] for name in self._status if name in (value or {})}
                if not value:
                    continue
            if field not in kept:
                kept[field] = self._shared(value)
        return kept

    def _metadata(self, metadata: Manifest) -> Manifest:
        kept: Manifest = {}
        for field, value in metadata.items():
            if field == "managedFields":
                continue
            if field == "annotations" and value and _LAST_APPLIED in value:
                value = {key: text for key, text in value.items() if key != _LAST_APPLIED}
            kept[field] = value if field in _UNIQUE else self._shared(value)
        return kept

    def _shared(self, value: Any) -> Any:
        if isinstance(value, str):
            return sys.intern(value)
        if not isinstance(value, dict | list):
            return value
        encoded = msgspec.json.encode(value)
        if len(encoded) > SHARED_BYTES:
            return value
        if len(self._parts) >= SHARED_PARTS:
            self._parts.clear()
        return self._parts.setdefault(encoded, value)
