"""Stands between one controller and the API server: sees every request, and can spoil any of them.

It speaks HTTP on both sides, with a TLS pair of its own towards the controller, so that a campaign
acts on requests, answers and watch events rather than on bytes. What it does is up to its `Faults`.
"""

import json
import ssl
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BODY_LIMIT = 8 * 1024 * 1024
_CONNECT_SECONDS = 5.0

_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding"}
)
"""Headers of one connection, and those that say how bodies are packed: here they are not."""


class Cut(Exception):  # noqa: N818 - no error, but what a campaign wants
    """Raised by Faults: the controller's connection ends here, with no answer or half of one."""


class _WatchOverError(Exception):
    """Ends a stream from our side."""


@dataclass(slots=True)
class Seen:
    """One request as it came. `at` and `answered_at` are monotonic; status 0 is no answer yet.

    `target` is the path of the object, which a POST names in its body only.
    """

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    target: str
    status: int = 0
    answered_at: float = 0.0

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "true"

    @property
    def is_write(self) -> bool:
        """A write to the state that we keep: no lease, and no event."""
        return self.method in _WRITES and "/leases" not in self.path and "/events" not in self.path

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


class Faults:
    """What a proxy does to requests; this one does nothing. Called on the proxy's own loop."""

    async def before(self, seen: Seen) -> web.Response | None:
        """Before the API server sees it; what is returned is the answer, and it never does."""
        return None

    def query(self, seen: Seen) -> Mapping[str, str]:
        """What the API server is asked."""
        return seen.query

    async def after(self, seen: Seen) -> None:
        """When the API server has answered, and before the controller knows."""

    def date(self, text: str) -> str:
        """The API server's clock, as its answers tell it."""
        return text

    def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """The events of a watch, each with its newline."""
        return lines


class ApiProxy:
    """`seen` are all requests, in the order in which they came; `url` is known once it is started."""

    def __init__(self, upstream: str, ca_file: Path, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.seen: list[Seen] = []
        self.url = ""
        self._upstream = URL(upstream)
        self._ca_file = ca_file
        self._watches: set[aiohttp.StreamReader] = set()

    async def start(self, certificate: Path, key: Path) -> None:
        """Listen on a port of the kernel's choice."""
        tls = ssl.create_default_context(cafile=str(self._ca_file))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,  # a proxy would be asked for loopback addresses, too
        )
        serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serving.load_cert_chain(certificate, key)
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=serving).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"https://{host}:{port}"

    async def end_watches(self) -> None:
        """As an API server does when their time is over; the next ones meet the faults of now."""
        for stream in self._watches:
            stream.set_exception(_WatchOverError())

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen = Seen(
            time.monotonic(),
            request.method,
            request.path,
            dict(request.query),
            _target(request.method, request.path, body),
        )
        self.seen.append(seen)
        try:
            instead = await self.faults.before(seen)
            return instead if instead is not None else await self._forward(request, seen, body)
        except (Cut, aiohttp.ClientError, OSError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)  # nobody hears it

    async def _forward(self, request: web.Request, seen: Seen, body: bytes) -> web.StreamResponse:
        url = self._upstream.with_path(request.path).with_query(self.faults.query(seen))
        headers = _passed_on(request.headers)
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            seen.status, seen.answered_at = answer.status, time.monotonic()
            await self.faults.after(seen)
            told = _passed_on(answer.headers)
            if "Date" in told:
                told["Date"] = self.faults.date(told["Date"])
            if not (seen.is_watch and answer.status == 200):
                return web.Response(status=answer.status, headers=told, body=await answer.read())
            response = web.StreamResponse(status=answer.status, headers=told)
            await response.prepare(request)
            await self._pass_on_events(seen, answer, response)
            return response

    async def _pass_on_events(
        self, seen: Seen, answer: aiohttp.ClientResponse, response: web.StreamResponse
    ) -> None:
        self._watches.add(answer.content)
        try:
            async with aclosing(self.faults.lines(seen, _lines(answer.content))) as lines:
                async for line in lines:
                    await response.write(line)
            await response.write_eof()
        finally:
            self._watches.discard(answer.content)
            answer.close()  # the rest of the stream, if any, is not for the next request


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP}


def _target(method: str, path: str, body: bytes) -> str:
    if method != "POST":
        return path.removesuffix("/status")
    try:
        return f"{path}/{json.loads(body)['metadata']['name']}"
    except (ValueError, LookupError, TypeError):
        return path


async def _lines(stream: aiohttp.StreamReader) -> AsyncGenerator[bytes]:
    """Whole lines of any length."""
    rest = b""
    with suppress(_WatchOverError):
        async for chunk in stream.iter_any():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line + b"\n"
