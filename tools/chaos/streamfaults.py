"""Everything that can happen to a list or a watch on its way, one class for each.

Each kind of object is hit as often as is allowed, whatever number of streams that takes: what never
ends would only measure the pauses between the tries.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from aiohttp import web

from tools.chaos.apiproxy import Cut, Faults, Seen

HOLD_SECONDS = 0.2
"""How long an event waits for another to change places with."""

LONG = 1_400_000
"""Bytes; etcd takes objects of up to 1.5 MB."""

TOO_LONG = 9 * 1024 * 1024
PAGE = "5"

_END = b"k8s.io/initial-events-end"
_EXPIRED: Mapping[str, Any] = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "too old resource version: 1 (2)",
    "reason": "Expired",
    "code": 410,
}
_PAGE_503 = "<html><body><h1>503 Service Unavailable</h1>" + "<p>padding</p>" * 1000 + "</body></html>"


class StreamFaults(Faults):
    """Spoils some events of every watch; `spoiled` says how.

    `hits` counts what was done, and `stalled` says since when (monotonic) a controller hears nothing;
    both by the path of a kind.
    """

    def __init__(self) -> None:
        self.allowed = 1
        self.hits: Counter[str] = Counter()
        self.stalled: dict[str, float] = {}

    def again(self) -> None:
        """Let every kind be hit once more."""
        self.allowed += 1

    def hit(self, seen: Seen) -> bool:
        """Whether it is this request's turn."""
        if self.hits[seen.path] >= self.allowed:
            return False
        self.hits[seen.path] += 1
        return True

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async for line in lines:
            if _is_event(line) and self.hit(seen):
                async for piece in self.spoiled(line):
                    yield piece
            else:
                yield line

    async def spoiled(self, line: bytes) -> AsyncGenerator[bytes]:
        """What is sent instead; Cut is raised where the connection is to end."""
        yield line


class Expired(StreamFaults):
    """410 inside a stream that began with 200."""

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async for line in lines:
            if _is_event(line) and self.hit(seen):
                yield _line({"type": "ERROR", "object": _EXPIRED})
                return
            yield line


class CutLine(StreamFaults):
    """The connection ends in the middle of an event."""

    async def spoiled(self, line: bytes) -> AsyncGenerator[bytes]:
        yield line[: len(line) // 2]
        raise Cut


class Ended(StreamFaults):
    """The stream ends between two events, as after its time; one event has not come any more."""

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async for line in lines:
            if _is_event(line) and self.hit(seen):
                return
            yield line


class Silent(StreamFaults):
    """The connection stays, and nothing comes any more."""

    def again(self) -> None:
        """Once is long enough."""

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async for line in lines:
            if _is_event(line) and self.hit(seen):
                self.stalled[seen.path] = time.monotonic()
                await asyncio.Event().wait()
            yield line


class Doubled(StreamFaults):
    """Each event comes twice."""

    def hit(self, seen: Seen) -> bool:
        self.hits[seen.path] += 1
        return True

    async def spoiled(self, line: bytes) -> AsyncGenerator[bytes]:
        yield line
        yield line


class Long(StreamFaults):
    """An event as long as etcd allows."""

    padding = LONG

    async def spoiled(self, line: bytes) -> AsyncGenerator[bytes]:
        event = json.loads(line)
        event["object"]["metadata"]["managedFields"] = [{"manager": "x" * self.padding}]
        yield _line(event)


class TooLong(Long):
    """An event longer than any API server's."""

    padding = TOO_LONG


class Garbage(StreamFaults):
    """A whole line that is no event, as some proxies write into a stream that they give up."""

    async def spoiled(self, line: bytes) -> AsyncGenerator[bytes]:
        yield b"upstream connect error or disconnect/reset before headers\n"
        yield line


class Swapped(StreamFaults):
    """Two events of different objects change places."""

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        coming = _Coming(lines)
        held = b""
        try:
            while True:
                line = await coming.next(HOLD_SECONDS if held else None)
                if line and _is_event(line) and held and _object(line) != _object(held):
                    self.hits[seen.path] += 1
                    yield line + held
                    held = b""
                    continue
                if held:
                    yield held
                held = b""
                if line and _is_event(line):
                    held = line
                elif line:
                    yield line
                elif coming.ended:
                    return
        finally:
            coming.close()


class Html503(StreamFaults):
    """What a balancer says when nobody is behind it."""

    async def before(self, seen: Seen) -> web.Response | None:
        if seen.method == "GET" and seen.is_watch and self.hit(seen):
            return web.Response(status=503, text=_PAGE_503, content_type="text/html")
        return None


class NoWatchList(Expired):
    """Lists have to be read in pages, since the API server refuses to stream them."""

    async def before(self, seen: Seen) -> web.Response | None:
        return refusal(422, "Invalid", "sendInitialEvents") if "sendInitialEvents" in seen.query else None

    def query(self, seen: Seen) -> Mapping[str, str]:
        return {**seen.query, "limit": PAGE} if "limit" in seen.query else seen.query


class PageExpired(NoWatchList):
    """And the second page of a list is not to be had any more."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: Counter[str] = Counter()

    async def before(self, seen: Seen) -> web.Response | None:
        if "continue" in seen.query and self._pages[seen.path] < self.allowed:
            self._pages[seen.path] += 1
            return web.json_response(_EXPIRED, status=410)
        return await super().before(seen)


class WatchListIgnored(Expired):
    """A server that does not know the parameter sends what there is, and never says that this was all."""

    def again(self) -> None:
        """Once is long enough."""

    async def before(self, seen: Seen) -> web.Response | None:
        if "sendInitialEvents" in seen.query:
            self.stalled[seen.path] = time.monotonic()
        return None

    def query(self, seen: Seen) -> Mapping[str, str]:
        unknown = ("sendInitialEvents", "resourceVersionMatch") if "sendInitialEvents" in seen.query else ()
        return {key: value for key, value in seen.query.items() if key not in unknown}

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Newer servers tell the end even to who has not asked for it."""
        async for line in super().lines(seen, lines):
            if _END not in line:
                yield line


def refusal(code: int, reason: str, message: str) -> web.Response:
    content = {**_EXPIRED, "code": code, "reason": reason, "message": message}
    return web.json_response(content, status=code)


class _Coming:
    """The next line or, after some time, none; an iterator cannot be asked like this twice."""

    def __init__(self, lines: AsyncGenerator[bytes]) -> None:
        self.ended = False
        self._lines = lines
        self._next: asyncio.Future[bytes] | None = None

    async def next(self, seconds: float | None) -> bytes:
        self._next = self._next or asyncio.ensure_future(anext(self._lines, b""))
        done, _ = await asyncio.wait({self._next}, timeout=seconds)
        if not done:
            return b""
        line = self._next.result()
        self._next, self.ended = None, not line
        return line

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()


def _is_event(line: bytes) -> bool:
    """Bookmarks are none: they say that all before them has come."""
    return json.loads(line)["type"] in ("ADDED", "MODIFIED", "DELETED")


def _object(line: bytes) -> str:
    return str(json.loads(line)["object"]["metadata"]["uid"])


def _line(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"
