"""One world for all attacks; what they came to is told at the end of the run."""

from collections.abc import Iterator

import pytest

from tests.attack import catalogue, matrix
from tests.attack.matrix import Outcome
from tests.attack.world import World
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation

_SUMMARIES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def world(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A plane of its own: here webhooks and policies come and go."""
    with ControlPlane.start() as plane:
        folder = tmp_path_factory.mktemp("attacked")
        file = catalogue.write(folder)
        alone = {
            "controller.replicas": 0,
            "api.enabled": False,
            "api.tokensSecretName": "",
            "admission.extraArgs": ["--drain-quiet=0"],
        }
        product = Installation.start(plane, folder, catalogue=file, values=alone)
        found = World(plane, product, file)
        yield found
        found.client.close()
        product.stop()


class Report:
    """Collects the tables that `pytest_terminal_summary` prints; `whole` ones with `pytest -v`."""

    def __init__(self, lines: list[str], *, whole: bool) -> None:
        self._lines = lines
        self._whole = whole

    def add(self, title: str, outcomes: list[Outcome]) -> list[Outcome]:
        self._lines += matrix.summary(title, outcomes, whole=self._whole)
        return outcomes


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    lines = request.config.stash.setdefault(_SUMMARIES, [])
    return Report(lines, whole=request.config.option.verbose > 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in terminalreporter.config.stash.get(_SUMMARIES, []):
        terminalreporter.write_line(line)
