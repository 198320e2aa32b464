"""The order of the measurements, and the table at the end."""

import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.admission import cpu, footprint, latency, programs, report, reviews
from benchmarks.admission.report import Row
from benchmarks.admission.reviews import Review
from benchmarks.admission.servers import Bench
from tools.controlplane import console
from tools.controlplane.plane import ControlPlane


def main() -> int:
    """Measure in a temporary folder and print. A missed target is printed, it is no failure."""
    heading = machine.described()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(Path(folder), programs.ensure())
        recorded, rows = _on_a_plane(bench)
        console.say("measuring processor time a review")
        rows = cpu.measure(bench, recorded) + rows
        console.say("measuring memory and start-up")
        rows += footprint.measure(bench, recorded)
    print(f"{heading}\n")
    report.show(rows)
    return 0


def _on_a_plane(bench: Bench) -> tuple[list[Review], list[Row]]:
    """What needs an API server; it is stopped before processor time is measured."""
    console.say("recording reviews and measuring latency on a control plane")
    with ControlPlane.start() as plane, bench.running("ours", bench.ours()) as ours:
        recorded, patch = reviews.record(plane, bench, ours)
        with bench.running("constant", bench.constant(patch)) as constant:
            return recorded, latency.measure(plane, bench, {"ours": ours, "constant": constant})
