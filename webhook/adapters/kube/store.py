"""What a reflector knows of one kind, by namespace and name.

Objects are trimmed before they are kept; readers must not change them. Single-threaded: to be used
on the event loop only.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from webhook.core.model import Manifest

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Key(NamedTuple):
    """`namespace` is empty for cluster-scoped objects."""

    namespace: str
    name: str


def key_of(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


class Store:
    """The known objects of one kind."""

    def __init__(self) -> None:
        self._objects: dict[Key, Manifest] = {}
        self._by_namespace: dict[str, dict[str, Manifest]] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: Key) -> Manifest | None:
        return self._objects.get(key)

    def in_namespace(self, namespace: str) -> Mapping[str, Manifest]:
        """The objects of one namespace, by name."""
        return self._by_namespace.get(namespace, {})

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._objects))

    def put(self, manifest: Manifest) -> bool:
        """Keep `manifest` unless something newer of the same name is known. True when it is news.

        Resource versions of one resource grow: every etcd-backed server counts them up. Raises
        LookupError or ValueError, and keeps nothing, for what is not an object of the API.
        """
        key, version, _ = key_of(manifest), version_of(manifest), manifest["metadata"]["uid"]
        known = self._objects.get(key)
        if known is not None and version <= version_of(known):
            return False
        trimmed = _trimmed(manifest)
        self._objects[key] = trimmed
        self._by_namespace.setdefault(key.namespace, {})[key.name] = trimmed
        return True

    def remove(self, key: Key, *, uid: str | None = None) -> bool:
        """Forget an object; with `uid`, only that one and not a namesake that came after it."""
        known = self._objects.get(key)
        if known is None or (uid is not None and known["metadata"]["uid"] != uid):
            return False
        del self._objects[key]
        names = self._by_namespace[key.namespace]
        del names[key.name]
        if not names:
            del self._by_namespace[key.namespace]
        return True


def version_of(manifest: Manifest) -> int:
    return int(manifest["metadata"]["resourceVersion"])


def _trimmed(manifest: Manifest) -> Manifest:
    """Without what no decision looks at: managedFields alone are half of an object's memory."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    annotations = metadata.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != _LAST_APPLIED}
    return {**manifest, "metadata": metadata}
