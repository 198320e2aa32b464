"""A changed catalogue reaches the running product, its bundles and nobody's restart."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from tests.e2e import cluster
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product

BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.yaml"
    path.write_text(BUILT_IN)
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Product]:
    with ControlPlane.start() as plane:
        folder = tmp_path_factory.mktemp("product")
        product = Product.start(plane, folder, processes=("admission,controller,api",), catalogue=catalogue)
        yield product
        product.stop()


def _pods(product: Product) -> str | None:
    quota = cluster.get(product.plane, "/api/v1/namespaces/payments/resourcequotas/default")
    return None if quota is None else str(quota["spec"]["hard"]["pods"])


def test_a_changed_tier_reaches_its_namespaces_and_a_bad_file_does_not(
    running: Product, catalogue: Path
) -> None:
    cluster.new(running.plane, "payments")
    assert _pods(running) == "20"

    catalogue.write_text(BUILT_IN.replace('pods: "20"', 'pods: "30"'))
    cluster.eventually(lambda: _pods(running) == "30", "the new quota to arrive")

    catalogue.write_text("nonsense")
    cluster.eventually(lambda: "is not good" in _verbose(running), "the bad file to be told of")
    status, _ = running.health("nsp")
    assert status == 200
    assert "nsp_catalogue_reload_success 0.0" in running.health("nsp", "/metrics")[1]
    cluster.new(running.plane, "shop")
    assert _pods(running) == "30"

    catalogue.write_text(
        BUILT_IN.replace("small:\n    extends", "tiny:\n    extends").replace(
            "defaultTier: small", "defaultTier: tiny"
        )
    )
    cluster.eventually(
        lambda: cluster.condition(running.plane, "payments").get("reason") == "UnknownTier",
        "the tier that is gone to be reported",
    )
    assert _pods(running) == "30"


def _verbose(product: Product) -> str:
    return product.health("nsp", "/readyz?verbose")[1]
