"""Processor time of other processes, and the cores that programs started here may use."""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LIBC = ctypes.CDLL(None)


def seconds(pid: int) -> float:
    """User and system time of a process, all its threads; the kernel's account, finer than /proc's ticks."""
    clock = ctypes.c_int()
    if _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise ProcessLookupError(f"no process {pid}")
    return time.clock_gettime(clock.value)


def cores() -> tuple[int | None, int | None]:
    """One core for servers and another for their client; None twice where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started inside, by this thread, runs on this core alone; None: on any."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
