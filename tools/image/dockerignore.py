"""Which files an engine is sent: .dockerignore as ours is written, everything out but what is named."""

import os
from fnmatch import fnmatchcase
from pathlib import Path


def let_through(context: Path, text: str) -> list[Path]:
    """The files, relative to `context`. The last line that fits a path or a folder above it decides."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    named = [line.removeprefix("!") for line in lines if line.startswith("!")]
    found = [file for name in named for file in _files(context / name)]
    return sorted(path for file in found if _sent(path := file.relative_to(context), lines))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [Path(folder, name) for folder, _, names in os.walk(path) for name in names]


def _sent(path: Path, lines: list[str]) -> bool:
    sent = True
    for line in lines:
        if any(_fits(each, line.removeprefix("!")) for each in (path, *path.parents[:-1])):
            sent = line.startswith("!")
    return sent


def _fits(path: Path, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(path.name, pattern.removeprefix("**/"))
    return len(path.parts) == len(Path(pattern).parts) and fnmatchcase(path.as_posix(), pattern)
