"""A stand-in that outlives whoever starts it: a process of its own, found again by its directory."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from tools.standin import scheduler

STOP_SECONDS = 15.0
_ROOT = Path(__file__).parents[2]
_STATE = "standin.json"


def start(
    plane: ControlPlane,
    directory: Path,
    *,
    namespaces: Sequence[str] = ("ns-provisioner",),
    kubelet_delay: float = 0.5,
) -> Process:
    """Returns when it serves; its Pods end with it. Its own log is `logs/standin.log` in `directory`."""
    directory = directory.absolute()
    (directory / "logs").mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "tools.standin", f"--plane={plane.directory}", f"--directory={directory}"]
    argv += [f"--namespace={name}" for name in namespaces] + [f"--kubelet-delay={kubelet_delay}"]
    log = directory / "logs" / "standin.log"
    process = Process.spawn("standin", argv, log=log, cwd=_ROOT, detached=True)
    (directory / _STATE).write_text(json.dumps(process.to_state()))
    try:
        waiting.until(lambda: scheduler.owner(plane.api) == process.pid, "the node to be there", [process])
    except BaseException:
        process.stop(STOP_SECONDS)
        (directory / _STATE).unlink()
        raise
    return process


def known(directory: Path) -> Process | None:
    """The one that was started there, if it still runs."""
    try:
        process = Process.from_state(json.loads((directory / _STATE).read_text()))
    except (OSError, ValueError, KeyError):
        return None
    return process if process.alive() else None


def stop(directory: Path) -> bool:
    """End it and its Pods; whether there was one."""
    process = known(directory)
    if process is not None:
        process.stop(STOP_SECONDS)
    (directory / _STATE).unlink(missing_ok=True)
    return process is not None
