"""`python -m benchmarks [NAME ...] [--short]`: run every benchmark, or those named, and print the figures."""

import sys
from collections.abc import Callable, Mapping

from benchmarks.admission import run as admission
from benchmarks.controller import drift, provisioning
from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError

Benchmarks = Mapping[str, Callable[[], int]]

FULL: Benchmarks = {
    "admission": admission.main,
    "provisioning": lambda: provisioning.main(provisioning.FULL),
    "drift": lambda: drift.main(drift.FULL),
}
SHORT: Benchmarks = {
    "provisioning": lambda: provisioning.main(provisioning.SHORT),
    "drift": lambda: drift.main(drift.SHORT),
}


def main(arguments: list[str]) -> int:
    benchmarks = SHORT if "--short" in arguments else FULL
    names = [argument for argument in arguments if argument != "--short"] or list(benchmarks)
    if unknown := set(names) - set(benchmarks):
        console.error(f"no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(benchmarks)}")
        return 2
    try:
        return max([benchmarks[name]() for name in names])
    except ControlPlaneError as error:
        console.error(str(error))
        return 1
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130


sys.exit(main(sys.argv[1:]))
