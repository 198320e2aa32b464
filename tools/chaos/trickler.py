"""`python -m tools.chaos.trickler HOST:PORT CA_FILE SOCKETS`: holds sockets open with one byte a second.

A third of them never finish the TLS handshake, a third the head of a request, a third its body. One
that the server closes is opened anew at once. Every second a JSON line tells how it goes.
"""

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from pathlib import Path

import uvloop

from tools.chaos.reviews import Connection, Target, head

PHASES = ("handshake", "head", "body")
BYTE_SECONDS = 1.0
DIAL_SECONDS = 0.008
"""Between two new connections. A thousand that live for 10 s each need 100 a second; to open them as
fast as can be would be a flood of handshakes, which is another attack."""

_LENGTH = 100_000
_HEAD = head(f"Content-Length: {_LENGTH}", f"Padding: {'x' * _LENGTH}")


class Trickler:
    """Counts by phase; `since` says from when on each socket is held (monotonic)."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._since: dict[tuple[str, int], float] = {}
        self._longest = dict.fromkeys(PHASES, 0.0)
        self._closed: Counter[str] = Counter()
        self._opened = 0
        self._refused = 0
        self._dialling = asyncio.Lock()

    async def hold(self, phase: str, number: int) -> None:
        """One socket, opened anew without end."""
        while True:
            async with self._dialling:
                await asyncio.sleep(DIAL_SECONDS)
            try:
                connection = await self._open(phase)
            except (OSError, EOFError):
                self._refused += 1
                await asyncio.sleep(BYTE_SECONDS)
                continue
            self._opened += 1
            self._since[phase, number] = time.monotonic()
            await trickle(connection, _BYTES[phase])
            self._note_age(phase, self._since.pop((phase, number)))
            self._closed[phase] += 1

    async def _open(self, phase: str) -> Connection:
        if phase == "handshake":
            return Connection(*await asyncio.open_connection(*self._target.host_and_port))
        connection = await Connection.open(self._target)
        if phase == "body":
            connection.writer.write(head(f"Content-Length: {_LENGTH}"))
        return connection

    def _note_age(self, phase: str, since: float) -> None:
        self._longest[phase] = max(self._longest[phase], time.monotonic() - since)

    async def tell(self) -> None:
        while True:
            await asyncio.sleep(1)
            for (phase, _), since in self._since.items():
                self._note_age(phase, since)
            said = {"opened": self._opened, "held": len(self._since), "refused": self._refused}
            print(json.dumps(said | {"closed": self._closed, "longest": self._longest}), flush=True)


async def trickle(connection: Connection, content: bytes) -> None:
    """Until the server closes, resets or answers."""
    try:
        for byte in content:
            connection.writer.write(bytes([byte]))
            try:
                await asyncio.wait_for(connection.reader.read(1), BYTE_SECONDS)
            except TimeoutError:
                continue
            return
    except OSError:
        pass
    finally:
        connection.close()


def _client_hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake cannot end without an answer")


_BYTES = {"handshake": _client_hello(), "head": _HEAD, "body": b" " * _LENGTH}


async def main(address: str, ca_file: str, sockets: int) -> None:
    trickler = Trickler(Target.at(address, Path(ca_file)))
    async with asyncio.TaskGroup() as group:
        group.create_task(trickler.tell())
        for number in range(sockets):
            group.create_task(trickler.hold(PHASES[number % len(PHASES)], number))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
