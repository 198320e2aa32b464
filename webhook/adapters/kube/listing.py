"""Everything of one kind as a list, for servers that cannot send it as a watch's first events."""

from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple

from webhook.adapters.kube.store import Key, key_of
from webhook.adapters.kube.transport import Query, Transport
from webhook.core.errors import ExpiredError
from webhook.core.model import Manifest


class Snapshot(NamedTuple):
    """All objects of one kind at one resource version, as a store would keep them."""

    objects: dict[Key, Manifest]
    version: int


class Lister:
    """Lists the objects at path `collection` that `query` selects; `kept` makes of each what is kept.

    Every method may raise ClusterError, or LookupError, TypeError, ValueError or AttributeError for an
    answer of another shape than the API's.
    """

    def __init__(
        self, transport: Transport, collection: str, query: Query, kept: Callable[[Manifest], Manifest]
    ) -> None:
        self._transport = transport
        self._collection = collection
        self._query = query
        self._kept = kept

    async def everything(self) -> Snapshot:
        """One consistent list. Where its pages expire while we read, all of it in a single answer."""
        try:
            return await self._read(self._query)
        except ExpiredError:
            return await self._read(self._of(0))

    async def version(self) -> int:
        """The version that the server has come to."""
        async with aclosing(self._transport.pages(self._collection, self._of(1))) as pages:
            return _version(await anext(pages))

    async def _read(self, query: Query) -> Snapshot:
        objects: dict[Key, Manifest] = {}
        version = 0
        async with aclosing(self._transport.pages(self._collection, query)) as pages:
            async for page in pages:
                objects |= {key_of(item): self._kept(item) for item in page["items"]}
                version = _version(page)
        return Snapshot(objects, version)

    def _of(self, limit: int) -> Query:
        """The query for so many objects in one answer; 0 is for all."""
        return {**self._query, "limit": str(limit)}


def _version(page: Manifest) -> int:
    return int(page["metadata"]["resourceVersion"])
