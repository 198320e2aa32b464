"""Where campaigns on a cluster play: replicas behind a balancer, which is where the API server calls."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import hooks
from tools.chaos.background import Background
from tools.chaos.balancer import Balancer
from tools.chaos.cluster import Cluster
from tools.chaos.fleet import Fleet
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from webhook.adapters import pki


@dataclass(frozen=True, slots=True)
class Stage:
    plane: ControlPlane
    background: Background
    fleet: Fleet
    balancer: Balancer
    cluster: Cluster

    def announce(self) -> None:
        """Who is ready now; the balancer learns of it late."""
        self.balancer.announce(self.fleet.endpoints)


@contextmanager
def on(
    plane: ControlPlane,
    folder: Path,
    *,
    replicas: int,
    lateness: Callable[[], float],
    flags: Sequence[str] = (),
) -> Iterator[Stage]:
    """So many replicas, registered; the plane has no other webhooks meanwhile, and none afterwards."""
    certificates = folder / "certs"
    pki.make_pair(certificates, ["127.0.0.1"])
    with Background() as background, Fleet(folder, certificates=certificates, flags=flags) as fleet:
        fleet.add(replicas)
        balancer, cluster = Balancer(lateness), Cluster(plane)
        background.call(balancer.start(fleet.endpoints))
        background.call(cluster.open())
        try:
            with hooks.none_left(plane):
                _register(plane, folder, balancer.address)
                yield Stage(plane, background, fleet, balancer, cluster)
        finally:
            background.call(cluster.close())
            background.call(balancer.stop())


def _register(plane: ControlPlane, folder: Path, address: str) -> None:
    product = Product(plane, folder)
    product.addresses["admission"] = address
    product.register()
