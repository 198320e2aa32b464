"""What the webhooks add to the creation of a namespace, as the caller of the API server sees it.

Three kinds of namespaces in turn: seen by our pair, by a pair with a constant answer, by none. They
are created with `dryRun=All`: every step but the write to etcd, so that nothing has to be removed.
"""

import json
import random
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.admission import load, registration
from benchmarks.admission.report import Row
from benchmarks.admission.servers import Bench, Server
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

SAMPLES = 2500
"""Of each kind: the 99th percentile is the 25th slowest."""

WARM_UP = 100

RATE = 125.0
"""Requests a second, all kinds together."""

TARGET = 1.25

_KINDS = ("ours", "constant", "none")
_PATH = "/api/v1/namespaces?dryRun=All&fieldManager=kubectl-create"
_RESAMPLES = 200

Latencies = Mapping[str, list[float]]


def measure(plane: ControlPlane, bench: Bench, servers: Mapping[str, Server]) -> list[Row]:
    """`servers` are ours and the constant one. Raises ControlPlaneError where one was not called."""
    with ExitStack() as stack:
        for pair, server in servers.items():
            url = f"https://{server.address}"
            stack.enter_context(registration.of(plane, pair, url, bench.ca_file))
        return [
            *_rows("one after another", _latencies(plane, bench, connections=1, rate=0.0)),
            *_rows(f"{RATE:.0f} a second", _latencies(plane, bench, connections=16, rate=RATE)),
        ]


def _latencies(plane: ControlPlane, bench: Bench, *, connections: int, rate: float) -> Latencies:
    bodies = [_body(bench.folder, kind) for kind in _KINDS]
    before = _calls(plane)
    with load.connected(bench.programs, urlsplit(plane.url).netloc, plane.ca_file, connections) as client:
        client.send(_PATH, bodies, WARM_UP * len(bodies), rate=rate, token=plane.admin_token)
        sent = client.send(_PATH, bodies, SAMPLES * len(bodies), rate=rate, token=plane.admin_token)
    if min(now - then for now, then in zip(_calls(plane), before, strict=True)) < WARM_UP + SAMPLES:
        raise ControlPlaneError("the API server has not called both webhooks of both pairs each time")
    return dict(zip(_KINDS, sent.latencies, strict=True))


def _body(folder: Path, kind: str) -> Path:
    file = folder / f"create-{kind}.json"
    file.write_text(json.dumps(registration.namespace(f"bench-{kind}", kind)))
    return file


def _calls(plane: ControlPlane) -> list[int]:
    """To make sure of it: a webhook that is left out would be the fastest."""
    return [*registration.calls(plane, "ours"), *registration.calls(plane, "constant")]


def _rows(how: str, latencies: Latencies) -> list[Row]:
    ratio = _added(latencies, "ours") / _added(latencies, "constant")
    return [
        _row(how, latencies, 50),
        _row(how, latencies, 99),
        Row(
            what="  added to p99 by the webhooks",
            ours=_ms(_added(latencies, "ours")),
            reference=_ms(_added(latencies, "constant")),
            ratio=f"{ratio:.2f} ({_uncertainty(latencies)})",
            target=f"<= {TARGET}",
            met=ratio <= TARGET,
        ),
    ]


def _row(how: str, latencies: Latencies, percent: int) -> Row:
    ours, constant, none = (percentile(latencies[kind], percent / 100) for kind in _KINDS)
    return Row(
        what=f"create, {how}, p{percent} (without webhooks {_ms(none)})",
        ours=_ms(ours),
        reference=_ms(constant),
        ratio=f"{ours / constant:.2f}",
    )


def _added(latencies: Latencies, kind: str) -> float:
    return percentile(latencies[kind], 0.99) - percentile(latencies["none"], 0.99)


def _uncertainty(latencies: Latencies) -> str:
    """The middle nine tenths of the ratios that other samples like these would have given (bootstrap)."""
    chance = random.Random(1)
    ratios = []
    for _ in range(_RESAMPLES):
        again = {kind: chance.choices(values, k=len(values)) for kind, values in latencies.items()}
        ratios.append(_added(again, "ours") / _added(again, "constant"))
    return f"{percentile(ratios, 0.05):.2f}-{percentile(ratios, 0.95):.2f}"


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
