"""Requests to the API server as its administrator, over connections that are kept: a node asks often."""

import contextlib
import http.client
import json
import ssl
import threading
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tools.controlplane.api import NO_ANSWER, Answer
from tools.controlplane.plane import ControlPlane
from tools.standin.errors import StandinError

STRATEGIC = "application/strategic-merge-patch+json"
_TIMEOUT_SECONDS = 5
_ENDED = Answer(0, b"the connection has ended")


class Cluster:
    """Callable from any thread."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        address = urlsplit(plane.url)
        self.host, self.port = str(address.hostname), int(address.port or 443)
        self._context = ssl.create_default_context(cafile=plane.ca_file)
        self._idle: list[http.client.HTTPSConnection] = []
        self._lock = threading.Lock()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        """Status 0 when nobody answers in time. A kept connection that has ended meanwhile is replaced."""
        headers = {"Authorization": f"Bearer {self.plane.admin_token}", "Content-Type": kind}
        content = None if body is None else json.dumps(body).encode()
        while (connection := self._taken()) is not None:
            answer = self._ask(connection, method, path, content, headers)
            if answer is not _ENDED:
                return answer
        try:
            fresh = self._connect()
        except OSError:
            return NO_ANSWER
        return self._ask(fresh, method, path, content, headers)

    def items(self, path: str) -> list[dict[str, Any]] | None:
        """A list's items; None when there is no answer now. An answer that will not change is an error."""
        answer = self.get(path)
        if passing(answer):
            return None
        if answer.status != 200:
            raise StandinError(f"cannot list {path}: {said(answer)}")
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def close(self) -> None:
        while (connection := self._taken()) is not None:
            connection.close()

    def _taken(self) -> http.client.HTTPSConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _ask(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            connection.request(method, path, content, dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.read())
        except TimeoutError:
            connection.close()
            return NO_ANSWER
        except (OSError, http.client.HTTPException):
            connection.close()
            return _ENDED
        with self._lock:
            self._idle.append(connection)
        return answer

    def _connect(self) -> http.client.HTTPSConnection:
        """Of a server that goes away in the handshake, Python's TLS socket is freed but not closed."""
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=_TIMEOUT_SECONDS, context=self._context
        )
        with self._lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                connection.connect()
            except OSError:
                with contextlib.suppress(OSError):
                    connection.close()
                raise
        return connection


def passing(answer: Answer) -> bool:
    """A trouble of the server's that ends without us."""
    return answer.status in (0, 429) or answer.status >= 500


def said(answer: Answer) -> str:
    """The API server's own words."""
    with contextlib.suppress(ValueError, AttributeError):
        return f"{answer.status} {answer.json().get('message', '')}".strip()
    return str(answer.status)
