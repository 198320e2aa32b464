"""What is built anew, and what is used again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.admission import programs


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "go"
    shutil.copytree(programs.MODULE, copy)
    monkeypatch.setattr(programs, "MODULE", copy)
    return copy


def _append(name: str) -> Callable[[Path], object]:
    return lambda module: (module / name).write_text((module / name).read_text() + "\n")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_append("go.mod"), id="go.mod changes"),
        pytest.param(_append("load/main.go"), id="a source changes"),
        pytest.param(lambda module: (module / "load" / "more.go").touch(), id="a source is added"),
    ],
)
def test_the_key_changes_when(module: Path, change: Callable[[Path], object]) -> None:
    before = programs.key("1.26.8")
    change(module)
    assert programs.key("1.26.8") != before


def test_the_key_is_the_same_in_every_checkout_and_changes_with_go(module: Path) -> None:
    here = programs.key("1.26.8")
    (module / "notes.txt").touch()
    assert programs.key("1.26.8") == here != programs.key("1.26.9")


def test_programs_that_are_there_are_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    built = programs.ensure()
    monkeypatch.setattr(programs, "_build", lambda *_: pytest.fail("built again"))
    assert programs.ensure() == built
