"""Runs the console blocks of a page: lines that begin with `$ ` are commands, the rest is their output."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "=== end of command ==="


class Command(NamedTuple):
    """A command of a page, and what the page says it prints."""

    text: str
    output: str


def commands(page: Path) -> list[Command]:
    found = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            text, _, output = part.partition("\n")
            found.append(Command(text, output))
    return found


def run(wanted: list[Command], *, directory: Path, environment: Mapping[str, str]) -> list[str]:
    """What the commands print, one after the other in one shell."""
    script = "".join(f"{command.text}\necho '{_MARK}'\n" for command in wanted)
    result = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stderr == ""
    return result.stdout.split(f"{_MARK}\n")[:-1]
