"""The most memory a process has had resident since it was last asked to forget."""

from pathlib import Path

_FORGET = "5"  # see proc(5), clear_refs


def forget_peak(pid: int) -> int:
    """Resident bytes now, from where the next peak is reckoned."""
    Path(f"/proc/{pid}/clear_refs").write_text(_FORGET)
    return peak(pid)


def peak(pid: int) -> int:
    """Bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
