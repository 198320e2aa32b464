"""The campaigns in their short forms; `make chaos` runs the long ones.

Targets of speed are for a machine that does nothing else, and are not judged here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.chaos import bodies, certificates, down, kill, rollout, rotation, trickle
from tools.chaos.report import Report
from tools.controlplane.plane import ControlPlane


@pytest.fixture(scope="module")
def own_plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """Failing webhooks fail for the whole cluster, so these tests have one of their own."""
    with ControlPlane.start() as running:
        yield running


def missed(report: Report) -> list[str]:
    return [f"{row.what}: {row.measured}" for row in report.rows if not row.kept and not row.speed]


def test_a_rollout_loses_no_call_and_lets_nothing_slip_by(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = rollout.run(own_plane, tmp_path, rollout.SHORT)
    assert missed(report) == [], str(report)


def test_a_killed_replica_costs_no_later_call(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = kill.run(own_plane, tmp_path, kill.SHORT)
    assert missed(report) == [], str(report)


def test_an_outage_is_narrow_and_heals_alone(own_plane: ControlPlane, tmp_path: Path) -> None:
    report = down.run(own_plane, tmp_path, down.SHORT)
    assert missed(report) == [], str(report)


def test_rotations_fail_no_handshake(tmp_path: Path) -> None:
    report = rotation.run(tmp_path, rotation.SHORT)
    assert missed(report) == [], str(report)


@pytest.mark.timeout(300)
def test_cert_manager_renews_leaf_and_authority_and_no_call_fails(tmp_path: Path) -> None:
    with ControlPlane.start() as plane:
        report = certificates.run(plane, tmp_path, certificates.SHORT)
    assert missed(report) == [], str(report)


def test_slow_senders_starve_nobody(tmp_path: Path) -> None:
    report = trickle.run(tmp_path, trickle.SHORT)
    assert missed(report) == [], str(report)


def test_large_uploads_are_stopped_and_cost_little_memory(tmp_path: Path) -> None:
    report = bodies.run(tmp_path, bodies.SHORT)
    assert missed(report) == [], str(report)
