"""Records the reviews to be measured: what a real API server asks our admission pair.

A relay is registered in the pair's place; it keeps every review as it came, and hands it on.
"""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.admission import asking, registration
from benchmarks.admission.servers import Bench, Server
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from webhook.adapters import tls

SMALL, LARGE = "small", "64 KB"

_PAIR = "relay"
_GROUPS = ("team-shop", "team-plain", "developers", "everybody")
_TENANT = ("--as=jane.doe@example.com", *(f"--as-group={group}" for group in _GROUPS))

_CREATED, _UPDATED = 213, 103
"""Annotations of the large namespaces: an update carries the object twice, a creation once."""

_LABELS = {"platform/team": "shop", "platform/tier": "medium", "cost-centre": "4711"}
_ANNOTATIONS = {
    "contact": "shop@example.com",
    "description": "Basket and checkout of the web shop, with what they need of queues and caches",
    "docs.example.com/runbook": "https://docs.example.com/shop/runbook",
}
_ROUTE = '{"host": "shop.example.com", "path": "/checkout", "timeout": "30s"}'


@dataclass(frozen=True, slots=True)
class Review:
    """One recorded review."""

    endpoint: str
    size: str
    body: bytes
    file: Path

    @property
    def name(self) -> str:
        return f"{self.endpoint} {self.size}"


def record(plane: ControlPlane, bench: Bench, ours: Server) -> tuple[list[Review], bytes]:
    """The reviews, and the patch that a namespace without any labels of ours is answered with."""
    plane.kubectl(
        *("create", "clusterrolebinding", "benchmark", "--clusterrole=cluster-admin", f"--group={_GROUPS[0]}")
    )
    with _relay(bench, ours) as relay, relay.registered(plane):
        small = relay.during(lambda: _apply(plane, "shop", 0))
        created = relay.during(lambda: _apply(plane, "shop-created", _CREATED))
        _apply(plane, "shop-updated", _UPDATED)
        updated = relay.during(lambda: plane.kubectl("label", "namespace", "shop-updated", "a=b", *_TENANT))
        plain = relay.during(lambda: _create(plane, registration.namespace("plain", _PAIR)))
    chosen = [
        ("mutate", SMALL, small),
        ("validate", SMALL, small),
        ("mutate", LARGE, created),
        ("validate", LARGE, updated),
    ]
    reviews = [_saved(bench.folder, endpoint, size, seen[endpoint]) for endpoint, size, seen in chosen]
    answer = asking.post(ours.address, bench.trust, "mutate", plain["mutate"])
    return reviews, asking.patch(answer)


def _saved(folder: Path, endpoint: str, size: str, body: bytes) -> Review:
    file = folder / f"{endpoint}-{size.replace(' ', '')}.json"
    file.write_bytes(body)
    return Review(endpoint, size, body, file)


def _create(plane: ControlPlane, manifest: dict[str, Any]) -> None:
    plane.kubectl("create", "-f", "-", *_TENANT, stdin=json.dumps(manifest))


def _apply(plane: ControlPlane, name: str, annotations: int) -> None:
    """As teams do it: kubectl keeps the manifest once more, as text, in an annotation of its own."""
    manifest = registration.namespace(name, _PAIR)
    manifest["metadata"]["labels"] |= _LABELS
    more = {f"routes.example.com/route-{number:03d}": _ROUTE for number in range(annotations)}
    manifest["metadata"]["annotations"] = _ANNOTATIONS | more
    plane.kubectl("apply", "-f", "-", *_TENANT, stdin=json.dumps(manifest))


class _Relay(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bench: Bench, behind: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = tls.server_context(*bench.pair).wrap_socket(self.socket, server_side=True)
        self.bench = bench
        self.behind = behind
        self.seen: dict[str, bytes] = {}

    @contextmanager
    def registered(self, plane: ControlPlane) -> Iterator[None]:
        url = f"https://127.0.0.1:{self.server_port}"
        with registration.of(plane, _PAIR, url, self.bench.ca_file):
            yield

    def during(self, action: Callable[[], object]) -> dict[str, bytes]:
        """The last review by endpoint that an action has brought about."""
        self.seen = {}
        action()
        if not self.seen:
            raise ControlPlaneError("the API server has sent no review")
        return dict(self.seen)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Relay
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = self.rfile.read(int(self.headers["Content-Length"]))
        endpoint = self.path.partition("?")[0].strip("/")
        self.server.seen[endpoint] = review
        status, answer = asking.exchange(
            self.server.behind.address, self.server.bench.trust, endpoint, review
        )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def _relay(bench: Bench, behind: Server) -> Iterator[_Relay]:
    with _Relay(bench, behind) as relay:
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.shutdown()
            thread.join()
