"""The command as a function: arguments in; exit code, output and errors out."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from webhook import cli, settings


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Nsp = Callable[..., Ended]


@pytest.fixture
def nsp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Nsp:
    """Runs `nsp` in this process, with none of the developer's own settings."""
    for setting in settings.SERVE:
        monkeypatch.delenv(setting.environment, raising=False)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["nsp", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    return run
