"""cert-manager renews the leaf and re-issues its CA under load, again and again; no call fails.

The chart as installed, with the shortest lifetime that cert-manager takes. A CA is re-issued with its key, as
the chart has it; in the campaign `rekey` with another one, too, after which the leaf has to follow. What a
kubelet brings late, the replicas serve late: meanwhile both old and new have to be trusted.

Beside the writes new connections are opened to every replica, verified by what the webhooks trust just then.
"""

import asyncio
import base64
import itertools
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tools.chaos import hooks, writes
from tools.chaos.background import Background
from tools.chaos.cluster import MERGE, Cluster, Request
from tools.chaos.pace import Pace
from tools.chaos.report import Report, spread
from tools.controlplane import console, waiting
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import NAMESPACE, Installation

LIFETIME = {"tls.certManager.duration": "1h", "tls.certManager.renewBefore": "5m"}
"""The least that cert-manager takes for each."""

SERVED_SECONDS = 60.0
_CERTIFICATES = f"/apis/cert-manager.io/v1/namespaces/{NAMESPACE}/certificates"
_HOOK = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/ns-provisioner"
_LEAF, _CA = "ns-provisioner-admission", "ns-provisioner-ca"
_HOST = f"{_LEAF}.{NAMESPACE}.svc"


@dataclass(frozen=True, slots=True)
class Size:
    renewals: int
    rate: float  # writes a second
    connections: float  # new ones a second
    delays: Sequence[float]  # seconds until a changed Secret reaches its files, in turn
    ways: Sequence[str]  # of renewing, in turn


LEAF, AUTHORITY, REKEYED = "leaf", "CA with its key", "CA with another key"
FULL = Size(renewals=60, rate=50, connections=20, delays=(0.2, 2, 10, 20), ways=(LEAF, AUTHORITY))
REKEY = Size(renewals=60, rate=50, connections=20, delays=(0.2, 2, 10, 20), ways=(LEAF, AUTHORITY, REKEYED))
SHORT = Size(renewals=4, rate=15, connections=10, delays=(0.2, 2), ways=(LEAF, AUTHORITY, REKEYED))


def main(size: Size) -> Report:
    with ControlPlane.start() as plane, tempfile.TemporaryDirectory() as folder:
        return run(plane, Path(folder), size)


def run(plane: ControlPlane, folder: Path, size: Size) -> Report:
    """Needs the plane to itself."""
    installed = Installation.start(plane, folder, values=LIFETIME)
    cluster = Cluster(plane)
    with Background() as background:
        background.call(cluster.open())
        load = writes.Writes(cluster, rate=size.rate, seed=60)
        dials = Connections(
            cluster, lambda: [pod.ip for pod in installed.pods("admission")], size.connections
        )
        renewals = Renewals(installed)
        before = hooks.failed_calls(plane)
        try:
            with background.under(load, dials):
                for number, (way, delay) in enumerate(_plan(size)):
                    installed.node.kubelet_delay = delay
                    renewals.make(way)
                    console.say(
                        f"renewal {number + 1} of {size.renewals}: {way}; {len(dials.failures)} failed"
                    )
            failed = hooks.failed_calls(plane).since(before)
        finally:
            background.call(cluster.close())
            installed.stop()
    report = Report(f"certificates: {size.renewals} renewals at {size.rate:.0f} writes/s")
    renewals.tell(report)
    dials.tell(report)
    writes.tell(report, load)
    hooks.tell(report, failed)
    return report


def _plan(size: Size) -> Sequence[tuple[str, float]]:
    ways, delays = itertools.cycle(size.ways), itertools.cycle(size.delays)
    return [(next(ways), next(delays)) for _ in range(size.renewals)]


class Renewals:
    """Each is seen through, to the last replica, before the next."""

    def __init__(self, installed: Installation) -> None:
        self._installed = installed
        self._seconds: list[float] = []
        self._made: Counter[str] = Counter()

    def make(self, way: str) -> None:
        began = time.monotonic()
        WAYS[way](self)
        self._made[way] += 1
        self._seconds.append(time.monotonic() - began)

    def leaf(self) -> None:
        """Until every replica shows the new one."""
        self._renew(_LEAF, "ns-provisioner-tls")
        fresh = _der(self._installed.secret("ns-provisioner-tls")["tls.crt"])
        for pod in self._installed.pods("admission"):
            waiting.until(
                lambda pod=pod: _shown(pod.ip) == fresh,  # type: ignore[misc]
                f"{pod.name} to serve the new leaf",
                [],
                limit=SERVED_SECONDS,
            )

    def authority(self) -> None:
        """Once with its key, and the leaf after it."""
        self._renew(_CA, _CA)
        self.leaf()

    def authority_with_another_key(self) -> None:
        self._keep_key("Always")
        self._renew(_CA, _CA)
        self._keep_key("Never")
        self.leaf()

    def tell(self, report: Report) -> None:
        report.tell("renewals", ", ".join(f"{n} {way}" for way, n in self._made.items()))
        report.tell("from the renewal until all replicas serve it", spread(self._seconds))

    def _keep_key(self, policy: str) -> None:
        patch = {"spec": {"privateKey": {"rotationPolicy": policy}}}
        self._send("PATCH", f"{_CERTIFICATES}/{_CA}", patch, MERGE)

    def _renew(self, name: str, secret: str) -> None:
        """As `cmctl renew` asks for it; until the Secret has another certificate."""
        path, old = f"{_CERTIFICATES}/{name}", self._installed.secret(secret)["tls.crt"]
        condition = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "renewal"}
        live = self._send("GET", path)
        conditions = live["status"]["conditions"]
        live["status"]["conditions"] = [each for each in conditions if each["type"] != "Issuing"] + [
            condition
        ]
        self._send("PUT", f"{path}/status", live)
        waiting.until(
            lambda: self._installed.secret(secret)["tls.crt"] != old, f"{name} to be issued", [], limit=30
        )

    def _send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        headers = {"Content-Type": content_type}

        def sent() -> Any:
            answer = self._installed.plane.api.send(method, path, body, headers=headers)
            return answer.json() if answer.status == 200 else None

        found: Any = None

        def is_sent() -> bool:
            nonlocal found
            found = sent()
            return found is not None

        waiting.until(is_sent, f"{method} {path}", [], limit=10)
        return found


WAYS: dict[str, Callable[[Renewals], None]] = {
    LEAF: Renewals.leaf,
    AUTHORITY: Renewals.authority,
    REKEYED: Renewals.authority_with_another_key,
}


class Connections:
    """New connections to the replicas in turn, verified as the API server verifies: by the live caBundle."""

    def __init__(self, cluster: Cluster, replicas: Callable[[], list[str]], rate: float) -> None:
        self.pace = Pace(rate)
        self.failures: list[str] = []
        self.blind = 0
        """Times that the API server did not say what is trusted."""
        self._cluster = cluster
        self._replicas = replicas
        self._turn = itertools.count()
        self._seconds: list[float] = []

    async def run(self) -> None:
        await self.pace.run(self._connect)

    async def _connect(self, due: float) -> None:
        replicas = await asyncio.to_thread(self._replicas)
        hook = await self._cluster.send(Request("look", "GET", _HOOK))
        if not hook.as_wanted:
            self.blind += 1
            return
        bundle = base64.b64decode(hook.body["webhooks"][0]["clientConfig"]["caBundle"]).decode()
        address, began = replicas[next(self._turn) % len(replicas)], time.monotonic()
        try:
            trusting = ssl.create_default_context(cadata=bundle)
            _, writer = await asyncio.open_connection(address, 8443, ssl=trusting, server_hostname=_HOST)
        except (OSError, ssl.SSLError) as error:
            self.failures.append(f"{address}: {error}")
            return
        self._seconds.append(time.monotonic() - began)
        writer.transport.abort()

    def tell(self, report: Report) -> None:
        report.tell("new connections", f"{len(self._seconds)}; {spread(self._seconds)}")
        report.tell("not opened, as the API server did not say what is trusted", str(self.blind))
        count = len(self.failures)
        report.check("new connections that failed", str(count), "0", kept=not count)
        report.notes += self.failures[:10]


def _der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def _shown(address: str) -> bytes:
    """The certificate that a replica shows, whoever has signed it."""
    text = ssl.get_server_certificate((address, 8443), timeout=5)
    return _der(text.encode())
