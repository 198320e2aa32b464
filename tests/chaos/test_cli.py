"""The exit code tells what the tables say."""

import signal
from collections.abc import Iterator

import pytest

from tools.chaos import cli
from tools.chaos.report import Report
from tools.controlplane.errors import ControlPlaneError


def campaign(*, kept: bool) -> Report:
    report = Report("a campaign")
    report.check("figure", "1", "1", kept=kept)
    return report


def broken() -> Report:
    raise ControlPlaneError("no cluster")


def interrupted() -> Report:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _campaigns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    campaigns = {
        "good": lambda: campaign(kept=True),
        "bad": lambda: campaign(kept=False),
        "broken": broken,
        "interrupted": interrupted,
    }
    monkeypatch.setattr(cli, "FULL", campaigns)
    monkeypatch.setattr(cli, "SHORT", {"good": campaigns["good"]})
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("arguments", "code", "tables"),
    [
        pytest.param(["good"], 0, 1, id="a target kept"),
        pytest.param(["bad"], 1, 1, id="a target missed"),
        pytest.param(["bad", "good"], 1, 2, id="the others run after a missed target, too"),
        pytest.param(["--short"], 0, 1, id="all of the short ones"),
        pytest.param(["good", "nonsense"], 2, 0, id="a name that there is not"),
        pytest.param(["broken", "good"], 1, 1, id="the others run after one that could not, too"),
        pytest.param(["interrupted"], 130, 0, id="Ctrl-C"),
    ],
)
def test_exit_codes(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, tables: int) -> None:
    assert cli.main(arguments) == code
    assert capsys.readouterr().out.count("a campaign\n") == tables
