"""The product on a plane for a while, its controller in a process of its own, and every trace gone after."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from webhook.core import labels

_REGISTRATIONS = (
    "mutatingwebhookconfigurations,validatingwebhookconfigurations,"
    "validatingadmissionpolicybindings,validatingadmissionpolicies"
)
_PROBE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-probe"}}
"""A reserved name: refused as long as anything of ours decides."""


@contextmanager
def installed(plane: ControlPlane, folder: Path, *, catalogue: Path | None = None) -> Iterator[Product]:
    product = Product.start(plane, folder, processes=("admission", "controller"), catalogue=catalogue)
    try:
        yield product
        plane.kubectl("delete", _REGISTRATIONS, "-l", f"{labels.MANAGED_BY}={labels.MANAGER}")
        waiting.until(lambda: _is_gone(plane), "the API server to decide alone", product.processes.values())
    finally:
        product.stop()


def _is_gone(plane: ControlPlane) -> bool:
    return plane.api.send("POST", "/api/v1/namespaces?dryRun=All", _PROBE).status == 201
