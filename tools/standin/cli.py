"""The command line of a stand-in that runs by itself; what cannot be run is said on its output."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.standin.errors import StandinError
from tools.standin.node import Standin

_LOOK_SECONDS = 0.5


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        plane = ControlPlane.attach(options.plane)
        with Standin.start(
            plane, options.directory, namespaces=options.namespace, kubelet_delay=options.kubelet_delay
        ) as node:
            _serve(node, plane, ending)
    except (StandinError, ControlPlaneError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(node: Standin, plane: ControlPlane, ending: threading.Event) -> None:
    """Until it is asked to end, something fails, or there is no control plane any more."""
    known: set[str] = set()
    while not ending.wait(_LOOK_SECONDS):
        node.check()
        if not any(process.rss_bytes for process in plane.processes()):
            raise StandinError(f"the control plane in {plane.directory} has ended")
        now = set(node.problems())
        for problem in sorted(now - known):
            print(problem, flush=True)
        known = now


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.standin", description=__doc__)
    parser.add_argument("--plane", type=Path, required=True, help="directory of the running control plane")
    parser.add_argument("--directory", type=Path, required=True, help="where logs and volumes go")
    parser.add_argument(
        "--namespace", action="append", required=True, help="whose Pods are run; several times for several"
    )
    parser.add_argument(
        "--kubelet-delay",
        type=float,
        default=0.5,
        help="seconds after which a changed Secret reaches its files at the latest (default: 0.5)",
    )
    return parser
