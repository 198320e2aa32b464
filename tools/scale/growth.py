"""Whether a process grows: memory, open files and threads, looked at again and again."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tools.chaos.report import Report
from tools.controlplane import proc

EVERY_SECONDS = 2.0
SHARE = 0.05
FILES = 8
"""So many more are a connection pool's breathing."""


class Sample(NamedTuple):
    rss: int  # bytes
    files: int
    threads: int


def sample(pid: int) -> Sample:
    status = Path(f"/proc/{pid}/status").read_text()
    threads = next(line for line in status.splitlines() if line.startswith("Threads:"))
    return Sample(proc.rss(pid), len(os.listdir(f"/proc/{pid}/fd")), int(threads.split()[1]))


async def watch(pid: int, samples: list[Sample]) -> None:
    """Until cancelled."""
    while True:
        samples.append(sample(pid))
        await asyncio.sleep(EVERY_SECONDS)


def tell(report: Report, samples: Sequence[Sample]) -> None:
    """The last quarter of the time beside the second; in the first, caches and pools fill."""
    second, last = quarter(samples, 1), quarter(samples, 3)
    before, after = (median(each.rss for each in part) for part in (second, last))
    report.check(
        "memory, last quarter of the churn beside the second",
        f"{before / 2**20:.0f} to {after / 2**20:.0f} MiB ({after / before - 1:+.1%})",
        f"<= +{SHARE:.0%}",
        kept=after <= before * (1 + SHARE),
        speed=True,  # a short churn says nothing of it
    )
    files, threads = most(second, last, "files"), most(second, last, "threads")
    report.check(
        "open files and threads, most in the same quarters",
        f"{files[0]} to {files[1]}, {threads[0]} to {threads[1]}",
        f"<= +{FILES}, +0",
        kept=files[1] <= files[0] + FILES and threads[1] <= threads[0],
        speed=True,
    )


def most(one: Sequence[Sample], other: Sequence[Sample], what: str) -> tuple[int, int]:
    """The largest value of a field in each."""
    first, second = (max(getattr(each, what) for each in part) for part in (one, other))
    return first, second


def quarter(samples: Sequence[Sample], number: int) -> Sequence[Sample]:
    """Never empty where there is a sample at all."""
    size = len(samples) / 4
    return samples[int(number * size) : int((number + 1) * size)] or samples[-1:]
