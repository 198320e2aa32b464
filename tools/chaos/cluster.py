"""Requests to the API server as cluster administrator, many at a time, each with its time."""

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tools.controlplane.plane import ControlPlane

MERGE = "application/merge-patch+json"
LIMIT_SECONDS = 30.0
"""No answer is waited for longer; two hooks that hang take 6 s."""


@dataclass(frozen=True, slots=True)
class Request:
    """`wanted` are the statuses that mean all is well."""

    what: str
    method: str
    path: str
    body: Any = None
    wanted: tuple[int, ...] = (200, 201)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Times are monotonic; status 0 is no answer at all."""

    request: Request
    status: int
    body: Any
    began: float
    ended: float

    @property
    def as_wanted(self) -> bool:
        return self.status in self.request.wanted

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def text(self) -> str:
        """One line, for people."""
        said = self.body.get("message", "") if isinstance(self.body, dict) else self.body
        return " ".join(str(said).split())

    def __str__(self) -> str:
        return f"{self.request.what} {self.request.name}: status {self.status}, {self.text[:300]}"


class Cluster:
    """Opened and closed on the loop that makes the requests."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._tls = ssl.create_default_context(cafile=str(plane.ca_file))

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            self._plane.url,
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls),
            headers={"Authorization": f"Bearer {self._plane.admin_token}"},
            timeout=aiohttp.ClientTimeout(total=LIMIT_SECONDS),
            trust_env=False,  # a proxy would be asked for loopback addresses, too
        )

    async def close(self) -> None:
        await self._session.close()

    async def send(self, request: Request) -> Outcome:
        began = time.monotonic()
        try:
            status, body = await self._exchange(request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            status, body = 0, f"{type(error).__name__}: {error}"
        return Outcome(request, status, body, began, time.monotonic())

    async def _exchange(self, request: Request) -> tuple[int, Any]:
        headers = {"Content-Type": MERGE if request.method == "PATCH" else "application/json"}
        data = None if request.body is None else json.dumps(request.body)
        async with self._session.request(request.method, request.path, data=data, headers=headers) as answer:
            return answer.status, _parsed(await answer.text())


def _parsed(text: str) -> Any:
    """The API server's own overload answers are plain text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}
