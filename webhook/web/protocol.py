"""uvicorn's HTTP/1.1 connection, with limits on time, size and number.

The application is called as ever; what is added is that nobody can hold a connection by sending
slowly, or have us keep what was sent.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import NamedTuple

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from webhook.web.traffic import Traffic

HEADERS_LIMIT = 100
"""Header fields of one request; an API server sends six."""

PIPELINE_LIMIT = 4
"""Requests that may be sent ahead of their answers; an API server never does so."""

WRITE_SECONDS = 10.0
"""How long a peer may leave its answers unread."""

Admits = Callable[[ssl.SSLObject], bool]
"""Whether the peer of a finished handshake may ask us anything."""

Refused = Callable[[str], None]
"""Told the reason when a connection is closed unserved."""

_log = logging.getLogger("webhook.web.protocol")
_log.setLevel(logging.ERROR)  # what strangers send is counted, not logged: they could fill a disk


class Due(NamedTuple):
    """What has to arrive next: within which time, and in how many bytes at most."""

    seconds: float
    limit: int
    status: int  # what is answered to more bytes
    text: str


HEAD = Due(10.0, 64 * 1024, 431, "the headers are too large")
"""A request line and its headers, from their first byte."""

BODY = Due(10.0, 8 * 1024 * 1024, 413, "the request is too large")
"""The rest of a request as it is on the wire: a body, and what chunks add to it."""


class Connection(HttpToolsProtocol):
    """One connection from its handshake to its end. Implements traffic.Peer."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        traffic: Traffic,
        *,
        admits: Admits | None,
        refused: Refused,
    ) -> None:
        super().__init__(config, state, app_state={})
        self.logger = _log
        self.handshake: asyncio.Task[None] | None = None  # until it is through
        self._traffic = traffic
        self._admits = admits
        self._refused = refused
        self._due: Due | None = None
        self._received = 0  # bytes of what is due
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    @property
    def in_hand(self) -> bool:
        return self._due is None and self._is_unanswered()

    def give_way(self) -> None:
        self._refused("crowded")
        self.abort()

    def abort(self) -> None:
        if self.handshake is not None:
            self.handshake.cancel()
        else:
            self.transport.abort()

    def finish(self) -> None:
        if self._is_unanswered():
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        if self.handshake is not None:
            self.handshake.cancel()
        else:
            super().shutdown()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._admits is not None and not self._admits(transport.get_extra_info("ssl_object")):
            self._refused("stranger")
            transport.abort()
            return
        self._traffic.used()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        self._unset_keepalive_if_required()
        if self._unread is not None:
            self._unread.cancel()
        self._traffic.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        due = self._what_is_due()
        if due is not self._due:
            self._expect(due)
        if due is not None:
            self._received += len(data)
            if self._received > due.limit or len(self.headers or ()) > HEADERS_LIMIT:
                self._refuse(due.status, due.text, "large")

    def on_headers_complete(self) -> None:
        if len(self.headers) > HEADERS_LIMIT or len(self.pipeline) >= PIPELINE_LIMIT:
            raise ValueError("too much of it")  # to the parser this is a request that it cannot read
        super().on_headers_complete()
        self._traffic.used()
        if self._traffic.draining:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._traffic.answered(self)
        if self.cycle.response_complete and self.cycle.more_body:
            self.transport.close()  # answered before it was all there: nobody wants the rest

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is not an HTTP/1.1 request", "unreadable")

    def _is_unanswered(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _what_is_due(self) -> Due | None:
        if not self._is_unanswered():
            return HEAD
        return BODY if self.cycle.more_body else None

    def _expect(self, due: Due | None) -> None:
        """The time for what is due begins now, and no byte prolongs it."""
        self._due = due
        self._received = 0
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if due is None else self.loop.call_later(due.seconds, self._late)

    def _wait(self) -> None:
        """Until the first byte there is as much time as between two requests.

        Go's client, which an API server is, keeps a connection that it has dialled and then not needed
        like any other idle one: it must not find it closed.
        """
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _late(self) -> None:
        self._refuse(408, "the request did not arrive in time; send it whole at once", "late")

    def _refuse(self, status: int, text: str, reason: str) -> None:
        """Answer in place of the application, which learns that the caller has gone, and close."""
        if self.transport.is_closing():
            return
        self._refused(reason)
        answerable = not self.pipeline
        if self._is_unanswered():
            answerable = answerable and not self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if answerable:
            self.transport.write(_answer(status, text))
        self.transport.close()


def _answer(status: int, text: str) -> bytes:
    body = f"{text}\n".encode()
    head = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: "
    return STATUS_LINE[status] + head + b"%d\r\n\r\n" % len(body) + body
