"""Uploads of 100 MB, twenty at a time, with every way of saying how long they are.

None may cost the server more memory than a few reviews do, or a good review its answer; one right
after is answered as if nothing had been.
"""

import asyncio
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import memory
from tools.chaos.background import Background
from tools.chaos.fleet import Fleet
from tools.chaos.report import Report
from tools.chaos.reviews import Connection, Reviews, Target, head, read_answer
from webhook.adapters import pki

MIB = 1024 * 1024
MEMORY_LIMIT = 32 * MIB
"""Bytes that the server may grow by for each upload of those at the same time."""

GOOD_SECONDS = 0.05
STOPPED = {"413", "400", "408", "503", "closed"}
GOOD_RATE = 20.0
"""Good reviews a second, meanwhile."""

SEND_SECONDS = 20.0
"""An endless upload that nobody has stopped by then counts as one that went through."""

_BLOCK = b" " * 65536
_CHUNK = b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK)


@dataclass(frozen=True, slots=True)
class Size:
    parallel: int
    length: int  # bytes of one upload
    waves: int  # one after the other, of each kind


FULL = Size(parallel=20, length=100_000_000, waves=10)
SHORT = Size(parallel=5, length=20_000_000, waves=1)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one upload ended: the answer's status, "closed" without one, or "never stopped"."""

    how: str
    sent: int  # bytes


def main(size: Size) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), size)


def run(folder: Path, size: Size) -> Report:
    """Needs no cluster."""
    ca_file, _, _ = pki.make_pair(folder / "certs", ["127.0.0.1"])
    report = Report(
        f"bodies: {size.parallel} uploads of {size.length / 1e6:.0f} MB at a time, {size.waves} times"
    )
    fleet = Fleet(folder, certificates=folder / "certs")
    with Background() as uploading, Background() as behaving, fleet:
        fleet.add()
        [replica] = fleet.serving
        target = Target.at(replica.address, ca_file)
        behaving.call(_good(target))  # what the first review loads is not an upload's doing
        for kind in KINDS:
            load = Reviews(target, rate=GOOD_RATE, fresh=True)
            before = memory.forget_peak(replica.process.pid)
            with behaving.under(load):
                waves = [uploading.call(_wave(target, kind, size)) for _ in range(size.waves)]
            grown = memory.peak(replica.process.pid) - before
            seconds = behaving.call(_good(target))
            _tell(report, kind, size, [ended for wave in waves for ended in wave], grown, seconds)
            _tell_of_reviews(report, kind, load)
    return report


def _declared(length: int) -> Iterator[bytes]:
    yield head(f"Content-Length: {length}")
    yield from itertools.repeat(_BLOCK, length // len(_BLOCK))
    yield _BLOCK[: length % len(_BLOCK)]


def _chunked(length: int) -> Iterator[bytes]:
    yield head("Transfer-Encoding: chunked")
    yield from itertools.repeat(_CHUNK, length // len(_BLOCK))
    yield b"0\r\n\r\n"


def _understated(length: int) -> Iterator[bytes]:
    yield head("Content-Length: 1000")
    yield from itertools.repeat(_BLOCK, length // len(_BLOCK))


def _endless(length: int) -> Iterator[bytes]:
    yield head("Transfer-Encoding: chunked")
    yield from itertools.repeat(_CHUNK)


KINDS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "declared": _declared,
    "chunked": _chunked,
    "understated": _understated,
    "endless": _endless,
}


async def _wave(target: Target, kind: str, size: Size) -> list[Ended]:
    uploads = (_upload(target, KINDS[kind](size.length)) for _ in range(size.parallel))
    return await asyncio.gather(*uploads)


async def _upload(target: Target, blocks: Iterator[bytes]) -> Ended:
    connection = await Connection.open(target)
    answer = asyncio.create_task(_answer(connection))
    sent = 0
    try:
        async with asyncio.timeout(SEND_SECONDS):
            for block in blocks:
                connection.writer.write(block)
                await connection.writer.drain()
                sent += len(block)
            return Ended(await answer, sent)
    except TimeoutError:
        return Ended("never stopped", sent)
    except OSError:  # stopped by the server, with or without an answer before
        return Ended(await answer, sent)
    finally:
        answer.cancel()
        connection.close()


async def _answer(connection: Connection) -> str:
    try:
        return str((await read_answer(connection.reader))[0])
    except (OSError, EOFError):
        return "closed"


async def _good(target: Target) -> float:
    """Seconds of one good review on a new connection."""
    began = time.monotonic()
    connection = await Connection.open(target)
    try:
        await connection.review(last=True)
    finally:
        connection.close()
    return time.monotonic() - began


def _tell(report: Report, kind: str, size: Size, ended: list[Ended], grown: int, seconds: float) -> None:
    ways = Counter(each.how for each in ended)
    measured = ", ".join(f"{count} {how}" for how, count in ways.items())
    stopped = not ways.keys() - STOPPED
    report.check(f"{kind}: answers", measured, "an error, or closed", kept=stopped)
    report.tell(f"{kind}: sent at most", f"{max(each.sent for each in ended) / 1e6:.0f} MB")
    limit = MEMORY_LIMIT * size.parallel
    target = f"{MEMORY_LIMIT // MIB} MiB each"
    measured = f"{grown / MIB:.0f} MiB, {grown / MIB / size.parallel:.1f} each"
    report.check(f"{kind}: growth of memory at its peak", measured, target, kept=grown <= limit)
    what, target = f"{kind}: a good review right after", f"{GOOD_SECONDS * 1e3:.0f} ms"
    report.check(what, f"{seconds * 1e3:.1f} ms", target, kept=seconds <= GOOD_SECONDS, speed=True)


def _tell_of_reviews(report: Report, kind: str, load: Reviews) -> None:
    failed, every = len(load.failures), len(load.seconds)
    report.check(f"{kind}: good reviews meanwhile that failed", f"{failed} of {every}", "0", kept=not failed)
    report.notes += load.failures[:10]
