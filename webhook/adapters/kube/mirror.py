"""What the API server has of one kind, as far as it has told: by snapshots, events and answers to writes."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from webhook.adapters.kube import errors
from webhook.adapters.kube.listing import Snapshot
from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.store import Key, Store, key_of, version_of
from webhook.core.model import Manifest


class Delta(NamedTuple):
    """That an object has changed, and what was known of it before.

    `low`: nobody waits for it, it is only seen for the first time. What is there now, the store knows.
    """

    key: Key
    before: Manifest | None
    low: bool


class Mirror:
    """Keeps `store`, and the `version` up to which it is what the server had."""

    def __init__(self, resource: Resource, on_change: Callable[[Delta], None], *, index: str = "") -> None:
        self.store = Store(resource, index=index)
        self.version = 0
        self._status_is_news = resource.status_is_news
        self._on_change = on_change
        self._unconfirmed: set[Key] = set()

    def wrote(self, manifest: Manifest) -> None:
        """Take note of an answer to our own write, unless the stream is past it: it knows better then.

        That is no news by itself, but may hide some: what somebody wrote just before us is in the
        answer, too. So it stays unconfirmed until the stream has told of it.
        """
        if version_of(manifest) > self.version and self.store.put(manifest):
            self._unconfirmed.add(key_of(manifest))

    def replace(self, found: Snapshot, *, low: bool) -> None:
        """Be equal to `found`, but for answers to our own writes that are newer.

        A version below one that we have seen is of another history: nothing of ours counts then.
        """
        if found.version >= self.version:
            for key in self._unconfirmed:
                known = self.store.get(key)
                if known is not None and version_of(known) > found.version:
                    found.objects[key] = known
        changed = self.store.replace(found.objects)
        hidden = self._unconfirmed - changed.keys()  # a snapshot tells of no changes in between
        self._unconfirmed = set()
        self.version = found.version
        for key, before in changed.items():
            self._tell(key, before, low=low)
        for key in hidden:
            self._on_change(Delta(key, self.store.get(key), low))

    def take(self, kind: str, content: Manifest) -> None:
        """Take a watch event. Raises the ClusterError that one of kind ERROR tells of.

        Late and repeated events of an object change nothing; the version counts only once the event is in
        the store.
        """
        if kind == "ERROR":
            raise errors.from_answer(content.get("code", 0), msgspec.json.encode(content))
        if kind in ("ADDED", "MODIFIED"):
            self._put(content)
        elif kind == "DELETED":
            self._remove(key_of(content), uid=content["metadata"]["uid"])
        self.version = max(self.version, version_of(content))

    def _put(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        before = self.store.get(key)
        if self.store.put(manifest):
            self._unconfirmed.discard(key)
            self._tell(key, before)
        elif key in self._unconfirmed:
            self._confirm(key, version_of(manifest))

    def _confirm(self, key: Key, version: int) -> None:
        """An event before the one of our own write is a change that our answer has hidden."""
        known = self.store.get(key)
        if known is not None and version < version_of(known):
            self._on_change(Delta(key, known, low=False))
        else:
            self._unconfirmed.discard(key)

    def _remove(self, key: Key, uid: str) -> None:
        before = self.store.get(key)
        if self.store.remove(key, uid=uid):
            self._tell(key, before)

    def _tell(self, key: Key, before: Manifest | None, *, low: bool = False) -> None:
        after = self.store.get(key)
        if before is None or after is None or self._status_is_news or _differ(before, after):
            self._on_change(Delta(key, before, low))


def _differ(before: Manifest, after: Manifest) -> bool:
    """Whether two versions of an object differ in more than what the server counts and reports."""
    return _content(before) != _content(after)


def _content(manifest: Manifest) -> Manifest:
    metadata = {**manifest["metadata"], "resourceVersion": ""}
    return {**manifest, "metadata": metadata, "status": None}
