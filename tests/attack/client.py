"""HTTP straight at the API server, in anybody's name: one connection a thread, kept open.

kubectl would take fifty times as long, and cannot say everything that an attacker can.
"""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.attack.actors import Actor
from tests.attack.words import Manifest
from tools.controlplane.plane import ControlPlane

TIMEOUT_SECONDS = 30

IDLE_SECONDS = 60.0
"""Go closes what has idled for 90."""


@dataclass(frozen=True, slots=True)
class Request:
    """`content_type` is what makes a PATCH one of the four kinds."""

    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """`warnings` is the raw Warning headers, one after another."""

    status: int
    body: Manifest
    warnings: str = ""

    @property
    def refused(self) -> bool:
        return self.status >= 400

    @property
    def text(self) -> str:
        """What a person is told of a refusal."""
        return str(self.body.get("message", "")) if self.refused else ""


class Client:
    """Anybody: the actor is impersonated, and None is the administrator. Threads may share a client."""

    def __init__(self, plane: ControlPlane) -> None:
        self._host, self._port = urlsplit(plane.url).hostname or "", urlsplit(plane.url).port
        self._token = plane.admin_token
        self._context = ssl.create_default_context(cafile=plane.ca_file)
        self._local = threading.local()
        self._open: list[http.client.HTTPSConnection] = []
        self._lock = threading.Lock()

    def send(
        self, request: Request, actor: Actor | None = None, *, dry_run: bool = False, case: str = ""
    ) -> Reply:
        """`case` travels with the user's identity, so that a review tells which case it belongs to."""
        query, body = dict(request.query or {}), request.body
        if dry_run and request.method == "DELETE":
            body = {**(body or {}), "dryRun": ["All"]}  # with a body, the query counts for nothing
        elif dry_run:
            query["dryRun"] = "All"
        url = f"{request.path}?{urlencode(query)}" if query else request.path
        content = None if body is None else json.dumps(body).encode()
        connection = self._connection()
        connection.putrequest(request.method, url)
        for name, value in self._headers(actor, case):
            connection.putheader(name, value.encode())
        if content is not None:
            connection.putheader("Content-Type", request.content_type)
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content)
        with connection.getresponse() as response:
            warnings = " ".join(response.headers.get_all("Warning") or ())
            return Reply(response.status, _parsed(response.read()), warnings)

    def get(self, path: str) -> Manifest | None:
        """As administrator; None for what is not there."""
        reply = self.send(Request("GET", path))
        assert reply.status in (200, 404), reply
        return reply.body if reply.status == 200 else None

    def must(self, request: Request, actor: Actor | None = None) -> Manifest:
        """The answer to what has to succeed."""
        reply = self.send(request, actor)
        assert not reply.refused, f"{request.method} {request.path}: {reply.body}"
        return reply.body

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        """A new one instead of one that has idled so long that the API server may be closing it."""
        found: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        now = time.monotonic()
        idle, self._local.used = now - getattr(self._local, "used", now), now
        if found is None or idle > IDLE_SECONDS:
            found = http.client.HTTPSConnection(
                self._host, self._port, context=self._context, timeout=TIMEOUT_SECONDS
            )
            self._local.connection = found
            with self._lock:
                self._open.append(found)
        return found

    def _headers(self, actor: Actor | None, case: str) -> list[tuple[str, str]]:
        headers = [("Authorization", f"Bearer {self._token}"), ("Accept", "application/json")]
        if actor is not None:
            headers.append(("Impersonate-User", actor.user))
            headers += [("Impersonate-Group", group) for group in actor.groups]
            headers += [("Impersonate-Extra-case", case)] if case else []
        return headers


def _parsed(body: bytes) -> Manifest:
    """Some answers of the API server are plain text; that is their message then."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = body.decode(errors="replace")
    return found if isinstance(found, dict) else {"message": str(found)}
