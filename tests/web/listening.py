"""The admission pair on a real listener with TLS, and a client that can send whatever it likes."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import uvloop
from starlette.applications import Starlette

from tests.codec.builders import body, review
from webhook.adapters import tls
from webhook.web.server import Listener

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}

GOOD = body(review())
SECONDS = 10.0
"""How long a test waits for what should be there at once."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Listening:
    """A listener in a thread of its own."""

    def __init__(self, app: Starlette, folder: Path, *, loop: str = "uvloop", **options: Any) -> None:
        """`folder` has the pair that it serves, and the CA that a client needs."""
        self.reasons: list[str] = []
        self._ca = folder / "ca.crt"
        context = tls.server_context(folder / "tls.crt", folder / "tls.key")
        options = {"tls": lambda: context, "refused": self.reasons.append, **options}
        self.listener = Listener(app, "127.0.0.1", 0, flag="--test", **options)
        self._loop_factory = LOOPS[loop]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self._running.wait(SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(at_once=True)
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()

    def stop(self, *, at_once: bool = False) -> None:
        """Ask it to stop; it may take its time."""
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self.listener.stop(at_once=at_once))

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca)

    def connect(self, context: ssl.SSLContext | None = None) -> "Client":
        return Client((context or self.trusting()).wrap_socket(self.plain(), server_hostname="localhost"))

    def plain(self) -> socket.socket:
        """Connected, but without TLS."""
        return socket.create_connection(("127.0.0.1", self.listener.port), timeout=SECONDS)

    def ask(self, sent: bytes = b"") -> Answer:
        """Send one request, an honest one if nothing else is given, on a connection of its own."""
        with self.connect() as client:
            client.send(sent or post(GOOD))
            return client.answer()

    def _run(self) -> None:
        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._running.set)
            await self.listener.run()

        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(run())


class Client:
    """One connection, without any opinion of HTTP."""

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self.socket = connected
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def answer(self) -> Answer:
        """The next answer; raises EOFError when there is none and the connection is closed."""
        head, _, self._read = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", first)
        assert status, first
        length = int(headers.get("content-length", "0"))
        while len(self._read) < length:
            self._more()
        content, self._read = self._read[:length], self._read[length:]
        return Answer(int(status[1]), headers, content)

    def ended(self) -> bytes:
        """Everything until the other side closes, which it has to do."""
        try:
            while True:
                self._more()
        except (EOFError, ConnectionError):
            return self._read

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._read:
            self._more()
        return self._read

    def _more(self) -> None:
        try:
            piece = self.socket.recv(65536)
        except ssl.SSLEOFError:
            piece = b""
        if not piece:
            raise EOFError(self._read)
        self._read += piece


def post(content: bytes, path: str = "/validate", *headers: str, method: str = "POST") -> bytes:
    """A request as an API server sends it, with more headers."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: ns-provisioner",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
