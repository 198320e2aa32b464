"""HTTP to the API server on raw dicts: one session, bounded calls, errors translated once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from kubernetes.aio.config import ConfigException

from webhook import __version__
from webhook.adapters.kube import config, errors
from webhook.core.errors import ClusterUnavailableError
from webhook.core.labels import MANAGER
from webhook.core.model import Manifest

CALL_SECONDS = 15.0
CONNECT_SECONDS = 5.0

WATCH_SILENCE_SECONDS = 90.0
"""A watch without a byte for this long is taken for dead; bookmarks come about every minute."""

WRITES_IN_FLIGHT = 24
"""More only waits in the API server's own queue (measured: 32 at once gave the best rate)."""

PAGE_SIZE = 500
LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one watch event; etcd keeps objects below 1.5 MB."""

APPLY = "application/apply-patch+yaml"
JSON = "application/json"

Query = Mapping[str, str]


class Transport:
    """Use as an async context manager, on the event loop that will make the calls."""

    def __init__(self, access: config.Access) -> None:
        self._access = access
        self._writes = asyncio.Semaphore(WRITES_IN_FLIGHT)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=access.tls),
            proxy=access.proxy,
            headers={"User-Agent": f"{MANAGER}/{__version__}", "Accept": JSON},
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,  # environment proxies and .netrc cost as much as the call itself
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str) -> Manifest:
        return await self._call("GET", path)

    async def pages(self, path: str, query: Query) -> AsyncIterator[Manifest]:
        """The pages of a list, in order; ExpiredError when the list took too long to read."""
        token = ""
        while True:
            page = await self._call(
                "GET",
                path,
                query={**query, "limit": str(PAGE_SIZE), **({"continue": token} if token else {})},
            )
            yield page
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def create(self, path: str, manifest: Manifest) -> Manifest:
        return await self._write("POST", path, manifest, query=_STRICT)

    async def apply(self, path: str, manifest: Manifest) -> Manifest:
        """Server-side apply as field manager `ns-provisioner`; takes fields that others have taken."""
        query = {**_STRICT, "force": "true"}
        return await self._write("PATCH", path, manifest, query=query, content_type=APPLY)

    async def replace(self, path: str, manifest: Manifest) -> Manifest:
        """PUT; `metadata.resourceVersion` in `manifest` makes it fail when the object has changed."""
        return await self._write("PUT", path, manifest, query=_STRICT)

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete exactly the object with `uid`, never a namesake."""
        await self._write("DELETE", path, {"preconditions": {"uid": uid}}, query={})

    async def watch(self, path: str, query: Query) -> AsyncGenerator[Manifest]:
        """Raw watch events until the server ends the stream.

        Raises ClusterUnavailableError for a broken stream; half a line is never an event.
        """
        headers = await self._headers()
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=WATCH_SILENCE_SECONDS)
        try:
            async with self._session.get(
                self._access.url + path,
                params={**query, "watch": "true"},
                headers=headers,
                timeout=timeout,
                server_hostname=self._access.server_name,
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    raise errors.from_answer(
                        answer.status, await answer.read(), answer.headers.get("Retry-After")
                    )
                async for line in _lines(answer.content):
                    yield _event(line)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.from_network(error) from error

    async def _write(
        self, method: str, path: str, body: Manifest, *, query: Query, content_type: str = JSON
    ) -> Manifest:
        async with self._writes:
            return await self._call(method, path, query=query, body=body, content_type=content_type)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Manifest | None = None,
        content_type: str = JSON,
    ) -> Manifest:
        headers = await self._headers()
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = msgspec.json.encode(body)
        try:
            async with self._session.request(
                method,
                self._access.url + path,
                params=query,
                data=data,
                headers=headers,
                server_hostname=self._access.server_name,
                allow_redirects=False,  # our token goes to our API server and nowhere else
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.from_network(error) from error
        if answer.status >= 300:
            raise errors.from_answer(answer.status, content, answer.headers.get("Retry-After"))
        return _object(content)

    async def _headers(self) -> dict[str, str]:
        try:
            authorization = await self._access.authorization()
        except (OSError, ConfigException) as error:  # a token file in the middle of its renewal
            raise ClusterUnavailableError(f"our credentials cannot be read: {error}") from error
        return {"Authorization": authorization} if authorization else {}


_STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}


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
