"""`make bench`: run every benchmark, or the one that is named, and print the figures."""

import sys

from benchmarks import time_to_ready
from benchmarks.admission import run as admission
from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError

BENCHMARKS = {"time-to-ready": time_to_ready.main, "admission": admission.main}


def main(names: list[str]) -> int:
    if unknown := set(names) - set(BENCHMARKS):
        console.error(f"no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(BENCHMARKS)}")
        return 2
    try:
        return max([BENCHMARKS[name]() for name in names or BENCHMARKS])
    except ControlPlaneError as error:
        console.error(str(error))
        return 1
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130


sys.exit(main(sys.argv[1:]))
