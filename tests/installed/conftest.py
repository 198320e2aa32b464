"""A plane with the chart on it that these tests may break, one after the other."""

from collections.abc import Iterator

import pytest

from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation


@pytest.fixture(scope="package")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """Everybody's requests are written down."""
    with ControlPlane.start(audit=True) as running:
        yield running


@pytest.fixture(scope="package")
def installed(own_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation.start(own_plane, tmp_path_factory.mktemp("installed"), kubelet_delay=0.5)
    yield running
    running.stop()
