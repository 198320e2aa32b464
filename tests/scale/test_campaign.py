"""The run over a loaded plane in its short form; `make scale` runs the long one.

Targets of speed are for a machine that does nothing else, and are not judged here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.controlplane.plane import ControlPlane
from tools.scale import campaign


@pytest.fixture(scope="module")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """The API server counts everybody's writes, so there must be nobody else."""
    with ControlPlane.start() as running:
        yield running


def test_a_loaded_controller_writes_nothing_at_rest_and_repairs_everything(
    own_plane: ControlPlane, tmp_path: Path
) -> None:
    report = campaign.run(own_plane, tmp_path, campaign.SHORT)
    missed = [f"{row.what}: {row.measured}" for row in report.rows if not row.kept and not row.speed]
    assert missed == [], str(report)
