"""The campaigns against the controller in their short forms; `make chaos` runs the long ones.

Targets of speed are for a machine that does nothing else, and are not judged here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.chaos import clocks, crash, failover, freeze, outage, rival, streams
from tools.chaos.report import Report
from tools.controlplane.plane import ControlPlane


@pytest.fixture(scope="module")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """Each campaign runs controllers of its own, and some take the API server away."""
    with ControlPlane.start() as running:
        yield running


def missed(report: Report) -> list[str]:
    return [f"{row.what}: {row.measured}" for row in report.rows if not row.kept and not row.speed]


def test_a_killed_controller_leaves_nothing_half_done(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = crash.run(own_plane, tmp_path, crash.SHORT)
    assert missed(report) == [], str(report)


def test_a_rival_writer_is_neither_raced_nor_given_in_to(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = rival.run(own_plane, tmp_path, rival.SHORT)
    assert missed(report) == [], str(report)


def test_a_frozen_leader_writes_nothing_when_another_leads(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = freeze.run(own_plane, tmp_path, freeze.SHORT)
    assert missed(report) == [], str(report)


def test_another_controller_takes_over_from_one_that_ends(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = failover.run(own_plane, tmp_path, failover.SHORT)
    assert missed(report) == [], str(report)


def test_an_api_server_that_goes_away_is_waited_for(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = outage.run(own_plane, tmp_path, outage.SHORT)
    assert missed(report) == [], str(report)


def test_spoiled_streams_hide_no_change(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = streams.run(own_plane, tmp_path, streams.SHORT)
    assert missed(report) == [], str(report)


def test_wrong_clocks_delete_nothing_early(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = clocks.run(own_plane, tmp_path, clocks.SHORT)
    assert missed(report) == [], str(report)
