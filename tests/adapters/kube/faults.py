"""An API server on loopback that answers what a test scripts: what a real one does not do on demand.

Each verb and path has a list of answers; they are given in order and the last one again and again.
A watch counts as the verb WATCH, one with initial events as WATCHLIST. A watch that nobody scripted
stays open and silent; initial events that nobody scripted are refused, as old servers do. A list of one
object counts as PROBE: it only asks which version the server has come to.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from aiohttp import web

from webhook.adapters.kube.clienttls import ClientTls
from webhook.adapters.kube.config import Access
from webhook.adapters.kube.credentials import Fixed
from webhook.core import labels
from webhook.core.model import Manifest

TOKEN = "s3cret-token"

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def access(url: str, *, token: str = TOKEN) -> Access:
    """Credentials for plain HTTP: the TLS context is there and not used."""
    return Access(url=url, tls=ClientTls(verify=False), credentials=Fixed(f"Bearer {token}"))


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    verb: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class FaultServer:
    """Use as an async context manager; `url` is set inside it."""

    url: str

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Seen] = []
        self._tls = tls
        self._scripts: dict[tuple[str, str], list[Answer]] = {}
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.01, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def script(self, verb: str, path: str, *answers: Answer) -> None:
        self._scripts[verb, path] = list(answers)

    def seen(self, verb: str, path: str = "") -> list[Seen]:
        return [it for it in self.requests if it.verb == verb and path in ("", it.path)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        verb = _verb(request)
        text = (await request.read()).decode()
        self.requests.append(Seen(verb, request.path, dict(request.query), dict(request.headers), text))
        answers = self._scripts.get((verb, request.path))
        if answers is None:
            answers = [_UNSCRIPTED.get(verb, failure(404, "NotFound", "not found"))]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await answer(request)


def ok(content: object, *, code: int = 200) -> Answer:
    return raw(json.dumps(content).encode(), code=code)


def raw(body: bytes, *, code: int = 200, kind: str = "application/json", **headers: str) -> Answer:
    """Keyword `Retry_After` becomes the header Retry-After."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=code, content_type=kind, headers=named)

    return answer


def status(code: int, reason: str, message: str, **more: object) -> Manifest:
    fixed = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**fixed, "message": message, "reason": reason, "code": code, **more}


def failure(code: int, reason: str, message: str, **headers: str) -> Answer:
    return raw(json.dumps(status(code, reason, message)).encode(), code=code, **headers)


def html(code: int = 503) -> Answer:
    """What a proxy says when the server behind it is down."""
    page = b"<html><body><h1>503 Service Unavailable</h1>" + b"<p>padding</p>" * 1000 + b"</body></html>"
    return raw(page, code=code, kind="text/html")


def page(*items: Manifest, version: int, token: str = "") -> Answer:
    """The items of a list do not say their kind, just as the real server's."""
    bare = [
        {key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items
    ]
    metadata = {"resourceVersion": str(version), **({"continue": token} if token else {})}
    return ok({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": bare})


def silence() -> Answer:
    """Takes the request and never says anything."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return answer


def gated(gate: asyncio.Event, then: Answer) -> Answer:
    """Answers when the test opens the gate."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return await then(request)

    return answer


def cut_answer() -> Answer:
    """Promises a long body, sends a little of it and drops the connection."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"kind": "Names')
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def event(kind: str, content: Manifest) -> bytes:
    return json.dumps({"type": kind, "object": content}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    return event("BOOKMARK", {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata})


def initial_end(version: int) -> bytes:
    """The bookmark after the initial events of a watch."""
    metadata = {
        "resourceVersion": str(version),
        "annotations": {"k8s.io/initial-events-end": "true"},
        "creationTimestamp": None,
    }
    return event("BOOKMARK", {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata})


def gone() -> bytes:
    """410 inside a stream that began with 200."""
    return event("ERROR", status(410, "Expired", "too old resource version: 1 (2)"))


def stream(*pieces: bytes, then: str = "end") -> Answer:
    """A watch of these bytes which ends, is cut, or holds: stays open and silent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        live = Stream()
        for piece in pieces:
            live.send(piece)
        if then != "hold":
            live.finish(cut=then == "cut")
        return await live(request)

    return answer


_UNSCRIPTED: dict[str, Answer] = {
    "WATCH": stream(then="hold"),
    "WATCHLIST": failure(422, "Invalid", "sendInitialEvents: Forbidden: feature gate is disabled"),
    "PROBE": page(version=10**9),
}


def _verb(request: web.Request) -> str:
    if request.query.get("watch") != "true":
        return "PROBE" if request.query.get("limit") == "1" else request.method
    return "WATCHLIST" if "sendInitialEvents" in request.query else "WATCH"


class Stream:
    """A watch that the test feeds while it runs; good for one request."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self._pieces: asyncio.Queue[bytes | bool] = asyncio.Queue()

    def send(self, piece: bytes) -> None:
        self._pieces.put_nowait(piece)

    def finish(self, *, cut: bool = False) -> None:
        self._pieces.put_nowait(cut)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self.opened.set()
        try:
            while not isinstance(piece := await self._pieces.get(), bool):
                await response.write(piece)
            if piece and request.transport is not None:
                request.transport.close()
            return response
        finally:
            self.closed.set()


def manifest(
    name: str = "payments", version: int = 1, *, uid: str = "", namespace: str = "", kind: str = "Namespace"
) -> Manifest:
    """An object with our label; without `namespace` a Namespace."""
    metadata: dict[str, Any] = {
        "name": name,
        "uid": uid or f"uid-{name}",
        "resourceVersion": str(version),
        "creationTimestamp": "2026-03-01T12:00:00Z",
        "labels": {labels.MANAGED_BY: labels.MANAGER},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def conditioned(content: Manifest, condition: str, reason: str, message: str = "") -> Manifest:
    entry = {
        "type": labels.PROVISIONED,
        "status": condition,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-03-01T12:00:00Z",
    }
    return {**content, "status": {"phase": "Active", "conditions": [entry]}}
