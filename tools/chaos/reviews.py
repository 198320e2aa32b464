"""Admission reviews sent straight to the admission pair, over connections that are ours to treat badly."""

import asyncio
import json
import ssl
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.chaos.pace import Pace
from tools.chaos.report import Report, spread
from tools.dev import recorder

LIMIT_SECONDS = 3.0
"""The webhooks' own timeout: the API server waits no longer, either."""

_RECORDED = json.loads((recorder.FOLDER / "mutate-create-labelled.json").read_text())


@dataclass(frozen=True, slots=True)
class Target:
    """One admission pair, at HOST:PORT, and the authority that signed its certificate."""

    address: str
    tls: ssl.SSLContext

    @classmethod
    def at(cls, address: str, ca_file: Path) -> Self:
        return cls(address, ssl.create_default_context(cafile=str(ca_file)))

    @property
    def host_and_port(self) -> tuple[str, int]:
        host, _, port = self.address.rpartition(":")
        return host, int(port)


class ReviewError(Exception):
    """The answer is not the one that a good review has to get."""


class Connection:
    """One TLS connection with keep-alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, target: Target) -> Self:
        host, port = target.host_and_port
        return cls(*await asyncio.open_connection(host, port, ssl=target.tls))

    async def review(self, *, last: bool = False) -> None:
        """Send one good review and check its answer; `last` asks for the connection to be closed."""
        uid = str(uuid.uuid4())
        self.writer.write(request(uid, last=last))
        status, body = await read_answer(self.reader)
        response = json.loads(body).get("response", {}) if status == 200 else {}
        if response.get("uid") != uid or not response.get("allowed"):
            raise ReviewError(f"status {status}, {body[:200]!r}")

    def close(self) -> None:
        self.writer.transport.abort()


def request(uid: str, *, last: bool = False) -> bytes:
    body = json.dumps({**_RECORDED, "request": {**_RECORDED["request"], "uid": uid}}).encode()
    return head(f"Content-Length: {len(body)}", *(["Connection: close"] if last else [])) + body


def head(*fields: str) -> bytes:
    lines = ["POST /mutate HTTP/1.1", "Host: admission", "Content-Type: application/json", *fields, "", ""]
    return "\r\n".join(lines).encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer. Raises IncompleteReadError when the connection ends before it."""
    answer_head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(answer_head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(answer_head.split(b" ", 2)[1]), await reader.readexactly(length)


class Reviews:
    """Good reviews at a steady rate: each on a new connection, or on connections that are kept."""

    def __init__(self, target: Target, *, rate: float, fresh: bool) -> None:
        self.pace = Pace(rate)
        self.seconds: list[float] = []
        """From when each was due, so that waiting behind a slow one is not left out."""
        self.failures: list[str] = []
        self._target = target
        self._fresh = fresh
        self._idle: list[Connection] = []

    async def run(self) -> None:
        await self.pace.run(self._one)
        for connection in self._idle:
            connection.close()

    def tell(self, report: Report) -> None:
        """How many, how fast, and how many failed."""
        how = "on new connections" if self._fresh else "on kept connections"
        report.tell(f"reviews {how}, and those started late", f"{len(self.seconds)}, {self.pace}")
        report.tell(f"time of a review {how}", spread(self.seconds))
        report.check(f"failed reviews {how}", str(len(self.failures)), "0", kept=not self.failures)
        report.notes += [f"{count} x {text}" for text, count in Counter(self.failures).most_common(10)]

    async def _one(self, due: float) -> None:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await self._send()
        except (OSError, EOFError, ValueError, ReviewError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        self.seconds.append(time.monotonic() - due)

    async def _send(self) -> None:
        """A connection is given back only after a good answer."""
        connection = self._idle.pop() if self._idle else await Connection.open(self._target)
        try:
            await connection.review(last=self._fresh)
        except BaseException:
            connection.close()
            raise
        if self._fresh:
            connection.close()
        else:
            self._idle.append(connection)
