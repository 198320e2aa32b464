"""Waits for conditions, and gives up at once when a process that should run has ended."""

import time
from collections.abc import Callable, Iterable

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.process import Process

LIMIT_SECONDS = 90.0
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.5


def until(
    condition: Callable[[], bool], what: str, processes: Iterable[Process], *, limit: float = LIMIT_SECONDS
) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        for process in processes:
            _require_alive(process, f"while waiting for {what}")
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"{what}: not within {limit:.0f} s" + "".join(map(_log, processes)))
        time.sleep(_POLL_SECONDS)


def forever(processes: Iterable[Process]) -> None:
    while True:
        for process in processes:
            _require_alive(process, "unasked")
        time.sleep(_WATCH_SECONDS)


def _require_alive(process: Process, circumstance: str) -> None:
    if process.alive():
        return
    code = process.exit_code()
    how = (
        "has ended" if code is None else f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
    )
    raise ControlPlaneError(f"{process.name} {how} {circumstance}{_log(process)}")


def _log(process: Process) -> str:
    return f"\n--- the end of {process.log}\n{process.tail()}"
