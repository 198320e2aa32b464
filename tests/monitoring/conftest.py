"""The real Prometheus, as the tool that tests rules with it."""

import subprocess
from pathlib import Path

import pytest

from tests.monitoring.promql import Promtool
from tools.controlplane import assets


@pytest.fixture(scope="session")
def promtool(_clean_environment: None) -> Promtool:
    """Runs it in the repository's root; what it says, after it has found nothing wrong."""
    binary = assets.ensure(["promtool"]) / "promtool"

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([binary, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
