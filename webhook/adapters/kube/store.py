"""What a reflector knows of one kind, by namespace and name.

Objects are trimmed before they are kept, and share what they have in common: readers must not change
them. Single-threaded: to be used on the event loop only.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.trimming import Trimmer
from webhook.core.model import Manifest


class Key(NamedTuple):
    """`namespace` is empty for cluster-scoped objects."""

    namespace: str
    name: str


def key_of(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


def version_of(manifest: Manifest) -> int:
    return int(manifest["metadata"]["resourceVersion"])


class Store:
    """The known objects of one kind; with `index`, also by the value of that label."""

    def __init__(self, resource: Resource, *, index: str = "") -> None:
        self._trim = Trimmer(resource)
        self._index = index
        self._by_namespace: dict[str, dict[str, Manifest]] = {}
        self._by_label: dict[str, dict[Key, Manifest]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Key]:
        return iter([Key(space, name) for space, names in self._by_namespace.items() for name in names])

    def get(self, key: Key) -> Manifest | None:
        return self._by_namespace.get(key.namespace, _NONE).get(key.name)

    def in_namespace(self, namespace: str) -> Mapping[str, Manifest]:
        """The objects of one namespace, by name."""
        return self._by_namespace.get(namespace, _NONE)

    def labelled(self, value: str) -> tuple[Manifest, ...]:
        """The objects whose label `index` has this value."""
        return tuple(self._by_label.get(value, {}).values())

    def put(self, manifest: Manifest) -> bool:
        """Keep `manifest` unless something as new of the same name is known. True when it was kept.

        Resource versions of one resource grow: every etcd-backed server counts them up. Keeps nothing
        and raises LookupError, TypeError, ValueError or AttributeError for what is not an object of
        the API.
        """
        key, version, _ = key_of(manifest), version_of(manifest), manifest["metadata"]["uid"]
        known = self.get(key)
        if known is not None and version <= version_of(known):
            return False
        self._set(key, self._trim(manifest))
        return True

    def remove(self, key: Key, *, uid: str | None = None) -> bool:
        """Forget an object; with `uid`, only that one and not a namesake that came after it."""
        known = self.get(key)
        if known is None or (uid is not None and known["metadata"]["uid"] != uid):
            return False
        self._drop(key, known)
        return True

    def kept(self, manifest: Manifest) -> Manifest:
        """`manifest` as it would be kept: the known object itself when that says the same."""
        trimmed = self._trim(manifest)
        known = self.get(key_of(trimmed))
        return known if known == trimmed else trimmed

    def replace(self, objects: Mapping[Key, Manifest]) -> dict[Key, Manifest | None]:
        """Have these, which `kept` gave, and nothing else, whatever the versions.

        Returns the keys that differ now, each with what was known of it before.
        """
        changed: dict[Key, Manifest | None] = {}
        for key in self:
            known = self.get(key)
            if known is not None and key not in objects:
                changed[key] = known
                self._drop(key, known)
        for key, manifest in objects.items():
            known = self.get(key)
            if known is not manifest:
                changed[key] = known
                self._set(key, manifest)
        return changed

    def _set(self, key: Key, manifest: Manifest) -> None:
        known = self.get(key)
        if known is not None:
            self._drop(key, known)
        self._by_namespace.setdefault(key.namespace, {})[key.name] = manifest
        self._size += 1
        if (value := self._indexed(manifest)) is not None:
            self._by_label.setdefault(value, {})[key] = manifest

    def _drop(self, key: Key, manifest: Manifest) -> None:
        _drop(self._by_namespace, key.namespace, key.name)
        self._size -= 1
        if (value := self._indexed(manifest)) is not None:
            _drop(self._by_label, value, key)

    def _indexed(self, manifest: Manifest) -> str | None:
        if not self._index:
            return None
        return (manifest["metadata"].get("labels") or {}).get(self._index)


_NONE: Mapping[str, Manifest] = {}


_Name = TypeVar("_Name", bound=Hashable)


def _drop(groups: dict[str, dict[_Name, Manifest]], group: str, key: _Name) -> None:
    members = groups[group]
    del members[key]
    if not members:
        del groups[group]
