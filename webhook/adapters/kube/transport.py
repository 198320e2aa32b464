"""HTTP to the API server on raw dicts: one session, bounded calls, errors translated once.

A call is made once. Only with credentials that the API server rejected is it made again, with others,
because nothing has been done about it then; what else is worth repeating, the caller plans anew.
"""

import asyncio
import copy
import math
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import msgspec
from prometheus_client import Counter

from webhook import __version__, telemetry
from webhook.adapters.kube import config, errors, fencedsocket
from webhook.adapters.kube.credentials import CredentialsError
from webhook.adapters.kube.serverclock import ServerClock
from webhook.adapters.kube.throttle import TROUBLE, Throttle
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    CredentialsRejectedError,
    LeadershipLostError,
    TooLargeVersionError,
)
from webhook.core.labels import MANAGER
from webhook.core.model import Manifest

CALL_SECONDS = 15.0
CONNECT_SECONDS = 5.0

WATCH_SILENCE_SECONDS = 70.0
"""A watch without a byte for this long is taken for dead; bookmarks come about every minute."""

PAGE_SIZE = 500
LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one watch event; etcd keeps objects below 1.5 MB."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"

Query = Mapping[str, str]


class _Request(NamedTuple):
    """`verb` is the metrics' word for it; a read has no `data`."""

    verb: str
    method: str
    path: str
    query: Query
    data: bytes | None = None
    content_type: str = JSON


class Transport:
    """Use as an async context manager, on the event loop that will make the calls."""

    def __init__(self, access: config.Access, *, metrics: telemetry.Metrics | None = None) -> None:
        self.server_time = ServerClock()
        self._access = access
        self._fence: Callable[[], float] = _no_fence
        self._metrics = metrics = metrics or telemetry.Metrics()
        self._counters: dict[tuple[str, int], Counter] = {}
        self._throttle = Throttle(on_limit=metrics.api_writes_limit.set, on_trouble=metrics.api_throttled.inc)
        self._reading = self._writing = _session(access)
        self._sessions = [self._reading]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions:
            await session.close()

    def fenced(self, fence: Callable[[], float]) -> Self:
        """A view of this transport whose writes need leave: `fence` says for how many seconds.

        It is asked before a write and bounds it; without time left, the write raises LeadershipLostError
        and is not sent. Writes have connections of their own, which ask once more when bytes leave. Reads
        are free.
        """
        view = copy.copy(self)
        view._fence = fence
        view._writing = _session(self._access, fencedsocket.factory(fence))
        self._sessions.append(view._writing)
        return view

    async def get(self, path: str) -> Manifest:
        return await self._call(_Request("get", "GET", path, {}))

    async def pages(self, path: str, query: Query) -> AsyncGenerator[Manifest]:
        """The pages of a list, in order; ExpiredError when the list took too long to read.

        A `limit` in `query` is the number of objects on a page, 0 for all on one.
        """
        token = ""
        while True:
            paging = {"limit": str(PAGE_SIZE), **query, **({"continue": token} if token else {})}
            page = await self._call(_Request("list", "GET", path, paging))
            yield page
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def create(self, path: str, manifest: Manifest) -> Manifest:
        return await self._call(_Request("create", "POST", path, _STRICT, _json(manifest)))

    async def apply(self, path: str, manifest: Manifest) -> Manifest:
        """Server-side apply as field manager `ns-provisioner`; takes fields that others have taken."""
        return await self._call(_Request("apply", "PATCH", path, _FORCED, _json(manifest), APPLY))

    async def merge(self, path: str, body: Manifest) -> Manifest:
        """JSON merge patch: null takes a field away, a list is replaced whole."""
        return await self._call(_Request("merge", "PATCH", path, _STRICT, _json(body), MERGE))

    async def replace(self, path: str, manifest: Manifest) -> Manifest:
        """PUT; `metadata.resourceVersion` in `manifest` makes it fail when the object has changed."""
        return await self._call(_Request("update", "PUT", path, _STRICT, _json(manifest)))

    async def delete(self, path: str, *, uid: str, resource_version: str | None = None) -> None:
        """Delete exactly the object with `uid`, never a namesake; ConflictError when it is another.

        With `resource_version` also when it has changed since.
        """
        preconditions = {"uid": uid}
        if resource_version is not None:
            preconditions["resourceVersion"] = resource_version
        await self._call(_Request("delete", "DELETE", path, {}, _json({"preconditions": preconditions})))

    async def watch(self, path: str, query: Query) -> AsyncGenerator[Manifest]:
        """Raw watch events until the server ends the stream.

        Raises ClusterUnavailableError for a broken stream; half a line is never an event.
        """
        request = _Request("watch", "GET", path, {**query, "watch": "true"})
        headers = await self._headers(request)
        try:
            stream = await self._open(request, headers)
        except CredentialsRejectedError:
            headers = await self._renewed(request, headers)
            stream = await self._open(request, headers)
        try:
            async with stream:
                async for line in _lines(stream.content):
                    yield _event(line)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.from_network(error) from error

    async def _open(self, request: _Request, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """The answer to a watch, once it has begun well."""
        limits = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=WATCH_SILENCE_SECONDS)
        sent = asyncio.get_running_loop().time()
        try:
            stream = await self._request(request, headers, limits)
            if stream.status == 200:
                self._count(request.verb, 200)
                return stream
            async with stream:
                content = await stream.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unanswered(request, error, sent) from error
        raise self._refused(request, stream, content, sent)

    async def _call(self, request: _Request) -> Manifest:
        headers = await self._headers(request)
        try:
            return await self._send(request, headers)
        except CredentialsRejectedError:
            headers = await self._renewed(request, headers)
        return await self._send(request, headers)

    async def _send(self, request: _Request, headers: dict[str, str]) -> Manifest:
        write = request.data is not None
        async with self._throttle.writes if write else self._throttle.reads:
            seconds = CALL_SECONDS
            if write:
                seconds = min(seconds, self._fence())
                if seconds <= 0:
                    raise LeadershipLostError("this replica does not lead any more: the write was not sent")
            sent = asyncio.get_running_loop().time()
            try:
                async with await self._request(request, headers, _bounded(seconds)) as answer:
                    content = await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self._unanswered(request, error, sent) from error
            if answer.status >= 300:
                raise self._refused(request, answer, content, sent)
            self._count(request.verb, answer.status)
            if write:
                self._throttle.wrote()
        return _object(content)

    async def _request(
        self, request: _Request, headers: dict[str, str], limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        session = self._reading if request.data is None else self._writing
        answer = await session.request(
            request.method,
            self._access.url + request.path,
            params=request.query,
            data=request.data,
            headers=headers,
            ssl=self._access.tls.current(),
            server_hostname=self._access.server_name,
            allow_redirects=False,  # our token goes to our API server and nowhere else
            timeout=limits,
        )
        self.server_time.saw(answer.headers.get("Date"))
        return answer

    def _refused(
        self, request: _Request, answer: aiohttp.ClientResponse, content: bytes, sent: float
    ) -> ClusterError:
        """Take note of an answer that is no success; the error to raise for it."""
        self._count(request.verb, answer.status)
        asked = answer.headers.get("Retry-After")
        error = errors.from_answer(answer.status, content, asked, now=self.server_time.now())
        write = request.data is not None
        if answer.status in TROUBLE and not isinstance(error, TooLargeVersionError):
            assert isinstance(error, ClusterUnavailableError)
            self._throttle.met_trouble(write=write, sent=sent, retry_after=error.retry_after)
        elif write:
            self._throttle.wrote()
        return error

    def _unanswered(
        self, request: _Request, error: aiohttp.ClientError | TimeoutError, sent: float
    ) -> ClusterUnavailableError:
        """Take note of a call without an answer; the error to raise for it."""
        self._count(request.verb, 0)
        if isinstance(error, TimeoutError):
            self._throttle.met_trouble(write=request.data is not None, sent=sent, retry_after=None)
        elif isinstance(error, aiohttp.ClientConnectorCertificateError):
            self._access.tls.distrusted()
        return errors.from_network(error)

    def _count(self, verb: str, code: int) -> None:
        counter = self._counters.get((verb, code))
        if counter is None:  # looking it up in the metric takes longer than all the rest of this
            counter = self._counters[verb, code] = self._metrics.api_requests.labels(verb, str(code))
        counter.inc()

    async def _renewed(self, request: _Request, rejected: dict[str, str]) -> dict[str, str]:
        """Headers with other credentials than those just rejected; raises what is to be said otherwise."""
        try:
            again = await self._access.renew(rejected.get("Authorization"))
        except CredentialsError as error:
            raise CredentialsRejectedError(
                f"the API server rejects our credentials, which cannot be renewed: {error}", code=401
            ) from error
        if not again:
            raise CredentialsRejectedError(
                "the API server rejects our credentials, and there are no others", code=401
            )
        return await self._headers(request)

    async def _headers(self, request: _Request) -> dict[str, str]:
        authorization = await self._access.credentials.authorization()
        headers = {"Authorization": authorization} if authorization else {}
        if request.data is not None:
            headers["Content-Type"] = request.content_type
        return headers


_STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
_FORCED = {**_STRICT, "force": "true"}

_json = msgspec.json.encode


def _session(
    access: config.Access, sockets: Callable[[tuple[Any, ...]], socket.socket] | None = None
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, socket_factory=sockets),
        proxy=access.proxy,
        headers={"User-Agent": f"{MANAGER}/{__version__}", "Accept": JSON},
        trust_env=False,  # environment proxies and .netrc cost as much as the call itself
    )


def _no_fence() -> float:
    return math.inf


def _bounded(seconds: float) -> aiohttp.ClientTimeout:
    """To the moment: aiohttp would round what is longer than 5 s up to the next full second."""
    return aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS, ceil_threshold=math.inf)


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Complete lines of a stream; what stands after the last newline is dropped."""
    buffer = bytearray()
    async for chunk in stream.iter_any():
        buffer += chunk
        *complete, rest = buffer.split(b"\n")
        buffer = bytearray(rest)
        if len(buffer) > LINE_LIMIT:
            raise ClusterUnavailableError(f"a watch event is longer than {LINE_LIMIT} bytes")
        for line in complete:
            if line:
                yield bytes(line)


def _event(line: bytes) -> Manifest:
    event = _object(line)
    if not isinstance(event.get("type"), str) or not isinstance(event.get("object"), dict):
        raise ClusterUnavailableError("the watch stream holds something that is not an event")
    return event


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterUnavailableError(f"the API server's answer is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ClusterUnavailableError("the API server's answer is not an object")
    return found
