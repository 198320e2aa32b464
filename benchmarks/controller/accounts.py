"""What a span of time has cost: processor seconds of every process of the plane and the product."""

from collections.abc import Callable, Mapping

from benchmarks.admission import processor
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product

CONTROLLER = "nsp-controller"
"""The product's process that holds the controller alone."""

Account = Mapping[str, float]


def opened(plane: ControlPlane, product: Product | None) -> Callable[[], Account]:
    """Call what is returned at the end of the span: seconds by process name."""
    pids = {process.name: process.pid for process in plane.processes()}
    if product is not None:
        pids |= {name: process.pid for name, process in product.processes.items()}
    before = {name: processor.seconds(pid) for name, pid in pids.items()}
    return lambda: {name: processor.seconds(pid) - before[name] for name, pid in pids.items()}
