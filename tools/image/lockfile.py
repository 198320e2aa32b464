"""Reads a requirements file as `make lock` writes it: pinned, hashed, and with who asked for what."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from tools.image.errors import ImageError

# Where the image runs; the lock file is for every platform.
ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}
_VIA = re.compile(r"^\s+# +(?:via +)?([A-Za-z0-9][\w.-]*)(?: \(.*\))?$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One distribution. `hashes` are the SHA-256 of every file of it that pip would accept."""

    name: str
    version: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]


def read(file: Path) -> tuple[Pinned, ...]:
    """What is installed on Linux with CPython, by name. An entry without version or hash is an error."""
    entries = re.split(r"^(?=[A-Za-z0-9])", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return tuple(pinned for entry in entries if (pinned := _pinned(entry, file)))


def _pinned(entry: str, file: Path) -> Pinned | None:
    requirement = Requirement(entry.partition("\n")[0].rstrip("\\ "))
    pins = [each.version for each in requirement.specifier if each.operator == "=="]
    hashes = tuple(sorted(_HASH.findall(entry)))
    if len(pins) != 1 or not hashes:
        raise ImageError(f"{file}: {requirement.name} has no pinned version or no hash: run make lock")
    if requirement.marker and not requirement.marker.evaluate(dict(ENVIRONMENT)):
        return None
    wanted_by = {name for name in _VIA.findall(entry) if name != "via"}
    return Pinned(requirement.name, pins[0], hashes, tuple(sorted(wanted_by)))
