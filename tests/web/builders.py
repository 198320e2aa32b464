"""Whole applications with everything real except the cluster, which is a dict here."""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.core.builders import POLICY
from webhook import ports, telemetry
from webhook.adapters.tokens import StaticTokens
from webhook.core.errors import ConflictError, NotFoundError
from webhook.core.model import Caller, Condition, ConditionStatus, Manifest
from webhook.web import admission, app
from webhook.web.api import Api
from webhook.web.record import Recorder

TOKEN = "a-token"
READY = Condition(ConditionStatus.TRUE, "Complete", "all 6 objects of tier small are there")


NOON = datetime(2026, 1, 2, 12, 0, 0, 5000, tzinfo=UTC)


class Noon:
    """Implements ports.Clock."""

    def now(self) -> datetime:
        return NOON


def client(application: Starlette) -> TestClient:
    """Errors of the server are answers here, as they are for every other client."""
    return TestClient(application, raise_server_exceptions=False)


@dataclass
class Admission:
    """The admission role without its listener."""

    policy: Callable[[], Any] = lambda: POLICY
    allowed_every: int = 0
    metrics: telemetry.Metrics = field(default_factory=telemetry.Metrics)
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.log = telemetry.Log(Noon().now, self.stream)
        recorder = Recorder(self.metrics, self.log, allowed_every=self.allowed_every)
        self.app = app.build(admission.routes(self.policy, Noon(), recorder))
        self.client = client(self.app)

    def post(self, path: str, content: bytes, content_type: str = "application/json") -> Any:
        return self.client.post(path, content=content, headers={"Content-Type": content_type})

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0


@dataclass
class MemoryGateway:
    """Implements ports.NamespaceGateway with a dict; `broken` is raised instead of creating."""

    namespaces: dict[str, Manifest] = field(default_factory=dict)
    condition: Condition | None = READY
    broken: Exception | None = None

    async def create(self, manifest: Manifest) -> Manifest:
        if self.broken is not None:
            raise self.broken
        name = manifest["metadata"]["name"]
        if name in self.namespaces:
            raise ConflictError(f'namespaces "{name}" already exists', code=409, reason="AlreadyExists")
        self.namespaces[name] = manifest
        return manifest

    async def get(self, name: str) -> Manifest:
        if name not in self.namespaces:
            raise NotFoundError(f'namespaces "{name}" not found', code=404, reason="NotFound")
        return self.namespaces[name]

    async def wait_provisioned(self, name: str, *, seconds: float) -> Condition | None:
        return self.condition


class SelfService:
    """The api role without its listener, for the token of jane."""

    def __init__(self, gateway: MemoryGateway | None = None) -> None:
        self.gateway = gateway or MemoryGateway()
        self.stream = io.StringIO()
        port: ports.NamespaceGateway = self.gateway
        digest = hashlib.sha256(TOKEN.encode()).digest()
        api = Api(
            policy=lambda: POLICY,
            tokens=StaticTokens({digest: Caller("jane", ("developers",))}),
            gateway=port,
            log=telemetry.Log(Noon().now, self.stream),
        )
        self.client = client(app.build(api.routes(), problems=True))

    def post(self, content: object = None, *, raw: bytes | None = None, **headers: str) -> Any:
        body = json.dumps(content).encode() if raw is None else raw
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.client.post("/namespaces", content=body, headers=sent)
