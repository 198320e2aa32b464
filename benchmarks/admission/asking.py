"""Asks a server for a decision, as the API server would, and reads the answer."""

import base64
import contextlib
import http.client
import json
import re
import ssl
from dataclasses import dataclass
from typing import Any

from tools.controlplane.errors import ControlPlaneError

_RULE = re.compile(r"\[([a-z-]+)\] ([^:\n]+):")


@dataclass(frozen=True, slots=True)
class Answer:
    """What matters of an answer: two servers may put a denial in different words."""

    allowed: bool
    code: int
    broken: frozenset[tuple[str, str]]
    """Rule and field path of every violation."""
    added: frozenset[tuple[str, str]]
    """JSON Pointer and value of every key that the patch adds."""


def exchange(address: str, trust: ssl.SSLContext, endpoint: str, review: bytes) -> tuple[int, bytes]:
    """Status and body of the answer of the server at HOST:PORT, on a connection of its own."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=trust)
    with contextlib.closing(connection):
        connection.request("POST", f"/{endpoint}", review, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def post(address: str, trust: ssl.SSLContext, endpoint: str, review: bytes) -> dict[str, Any]:
    """The `response` part of the answer. Raises ControlPlaneError for an error status."""
    status, body = exchange(address, trust, endpoint, review)
    if status != http.client.OK:
        raise ControlPlaneError(f"/{endpoint} answers {status}: {body.decode(errors='replace')}")
    response: dict[str, Any] = json.loads(body)["response"]
    return response


def ask(address: str, trust: ssl.SSLContext, endpoint: str, review: bytes) -> Answer:
    response = post(address, trust, endpoint, review)
    status = response.get("status") or {}
    return Answer(
        allowed=response["allowed"],
        code=status.get("code", http.client.OK),
        broken=frozenset(_RULE.findall(status.get("message", ""))),
        added=frozenset(_added(patch(response))),
    )


def patch(response: dict[str, Any]) -> bytes:
    """The JSON Patch of an answer; `[]` where there is none."""
    return base64.b64decode(response.get("patch", "")) or b"[]"


def _added(patch: bytes) -> list[tuple[str, str]]:
    """A map that is added whole counts as its keys."""
    found = []
    for operation in json.loads(patch):
        path, value = operation["path"], operation["value"]
        if isinstance(value, dict):
            found += [(f"{path}/{key.replace('~', '~0').replace('/', '~1')}", value[key]) for key in value]
        else:
            found.append((path, value))
    return found
