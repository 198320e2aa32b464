"""What /proc says about a process. A pid alone names nobody: it may have been given to another since."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Identity:
    """Pid, start time (clock ticks within one boot) and executable: what no second process shares."""

    pid: int
    started: str
    executable: str

    def alive(self) -> bool:
        return identify(self.pid) == self


def identify(pid: int) -> Identity | None:
    """None when there is no such process any more; a zombie counts as gone."""
    try:
        state, *fields = _stat(pid)
        executable = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except (OSError, ValueError):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if state in "ZX" else Identity(pid, f"{boot}:{fields[18]}", executable)


def running(pid: int) -> bool:
    try:
        return _stat(pid)[0] not in "ZX"
    except (OSError, ValueError):
        return False


def rss(pid: int) -> int:
    """Resident bytes; 0 for a process that is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _stat(pid: int) -> list[str]:
    """The fields after the command's name, which may itself hold spaces and parentheses."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
