"""Memory, start-up time and imports of the admission role."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.admission import asking, load
from benchmarks.admission.report import Row, spread
from benchmarks.admission.reviews import SMALL, Review
from benchmarks.admission.servers import Bench, address_in, environment
from tools.controlplane.errors import ControlPlaneError

REVIEWS = 20_000
MEMORY_TARGET = 50.0  # MB
STARTS = 7
START_TARGET = 0.3  # seconds

_IMPORTED = re.compile(rb"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)
_CLIENT = re.compile(r"(kubernetes|aiohttp|webhook\.adapters\.kube)(\.|$)")


def measure(bench: Bench, reviews: Sequence[Review]) -> list[Row]:
    return [_memory(bench, reviews), _start(bench, reviews), _imports(bench, reviews)]


def _memory(bench: Bench, reviews: Sequence[Review]) -> Row:
    ours = _resident(bench, "memory-ours", bench.ours(), reviews)
    reference = _resident(bench, "memory-reference", bench.reference(), reviews)
    return Row(
        what=f"memory after {REVIEWS:,} reviews, half of them large",
        ours=f"{ours:.1f} MB",
        reference=f"{reference:.1f} MB",
        ratio=f"{ours / reference:.2f}",
        target=f"<= {MEMORY_TARGET:.0f} MB",
        met=ours <= MEMORY_TARGET,
    )


def _resident(bench: Bench, name: str, argv: list[str], reviews: Sequence[Review]) -> float:
    """MB (10^6 bytes) that a server holds in the end."""
    endpoints = {review.endpoint for review in reviews}
    with bench.running(name, argv) as server:
        with load.connected(bench.programs, server.address, bench.ca_file, 8) as client:
            for endpoint in sorted(endpoints):
                files = [review.file for review in reviews if review.endpoint == endpoint]
                client.send(f"/{endpoint}", files, REVIEWS // len(endpoints))
        return server.process.rss() / 1e6


def _start(bench: Bench, reviews: Sequence[Review]) -> Row:
    review = next(each for each in reviews if each.size == SMALL)
    _seconds_to_answer(bench, bench.ours(), review)  # compiles what Python has not compiled yet
    ours, reference = [], []
    for _ in range(STARTS):
        ours.append(_seconds_to_answer(bench, bench.ours(), review))
        reference.append(_seconds_to_answer(bench, bench.reference(), review))
    return Row(
        what="from process start to the first answer",
        ours=spread(ours, ".0f", unit=" ms", scale=1000),
        reference=spread(reference, ".0f", unit=" ms", scale=1000),
        ratio=f"{median(ours) / median(reference):.0f}",
        target=f"<= {START_TARGET * 1000:.0f} ms",
        met=median(ours) <= START_TARGET,
    )


def _seconds_to_answer(bench: Bench, argv: list[str], review: Review) -> float:
    """No harness in between: its own start would be counted."""
    began = time.perf_counter()
    with subprocess.Popen(argv, env=environment(), stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            address = next(filter(None, map(address_in, process.stderr)), None)
            if address is None:
                raise ControlPlaneError(f"{argv[0]} has ended before it listened")
            asking.post(address, bench.trust, review.endpoint, review.body)
            return time.perf_counter() - began
        finally:
            process.kill()


def _imports(bench: Bench, reviews: Sequence[Review]) -> Row:
    """What a process has imported from its start to its end, by Python's own account."""
    argv = bench.ours(sys.executable, "-X", "importtime", "-m", "webhook")
    with bench.running("imports", argv) as server:
        asking.post(server.address, bench.trust, reviews[0].endpoint, reviews[0].body)
    modules = {name.decode() for name in _IMPORTED.findall(server.process.log.read_bytes())}
    assert "webhook.wiring" in modules, "there is an account"
    client = [name for name in modules if _CLIENT.match(name)]
    return Row(
        what=f"modules of a Kubernetes client, of {len(modules)} imported",
        ours=str(len(client)),
        target="0",
        met=not client,
    )
