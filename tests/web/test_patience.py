"""Nobody holds us up: what has to arrive arrives in time or not at all, and there is room for the honest."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.server import ServerState

from tests.web.builders import Admission
from tests.web.listening import GOOD, SECONDS, Listening, post
from webhook.web import app, protocol, server, traffic

SOON = 0.4
"""Seconds, instead of ten."""

HEAD = b"POST /validate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n"


@pytest.fixture
def admission(pair: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    monkeypatch.setattr(protocol, "HEAD", protocol.HEAD._replace(seconds=SOON))
    monkeypatch.setattr(protocol, "BODY", protocol.BODY._replace(seconds=SOON))
    monkeypatch.setattr(protocol, "WRITE_SECONDS", SOON)
    with Listening(Admission().app, pair) as listening:
        yield listening


def test_ten_seconds_are_given_for_each() -> None:
    assert (protocol.HEAD.seconds, protocol.BODY.seconds, server.HANDSHAKE_SECONDS) == (10, 10, 10)
    assert server.KEEP_ALIVE_SECONDS == 120


def test_whoever_asks_nothing_has_as_much_time_as_between_requests(
    admission: Listening, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API server keeps a connection that it has opened and not needed, to use it later."""
    with admission.connect() as client:
        client.socket.settimeout(3 * SOON)
        with pytest.raises(TimeoutError):
            client.ended()
        client.send(post(GOOD))
        assert client.answer().status == 200
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", SOON)
    with Listening(Admission().app, pair) as impatient, impatient.connect() as client:
        assert client.ended() == b""


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"P", id="one byte"),
        pytest.param(HEAD, id="half the headers"),
        pytest.param(HEAD + b"\r\n", id="headers without a body"),
        pytest.param(HEAD + b"\r\n{", id="half a body"),
        pytest.param(
            HEAD.replace(b"Content-Length: 5000", b"Transfer-Encoding: chunked") + b"\r\n1\r\n{\r\n",
            id="half the chunks",
        ),
        pytest.param(b"\r\n", id="an empty line"),
        pytest.param(post(GOOD) + b"P", id="a second request that does not come"),
    ],
)
def test_a_request_that_stops_in_the_middle(admission: Listening, sent: bytes) -> None:
    with admission.connect() as client:
        client.send(sent)
        if sent.startswith(post(GOOD)):
            assert client.answer().status == 200
            client.send(b"O")
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert answer.body == b"the request did not arrive in time; send it whole at once\n"
        assert client.ended() == b""
    assert admission.reasons == ["late"]


@pytest.mark.parametrize("before", [HEAD + b"X: ", HEAD + b"\r\n"], ids=["headers", "a body"])
def test_a_byte_now_and_then_gains_no_time(admission: Listening, before: bytes) -> None:
    began = time.monotonic()
    with admission.connect() as client:
        client.send(before)
        client.socket.settimeout(SOON / 10)
        while True:
            with contextlib.suppress(TimeoutError):
                if client.answer().status == 408:
                    break
            client.send(b"P")
            assert time.monotonic() - began < SECONDS


def test_between_requests_there_is_time(admission: Listening) -> None:
    with admission.connect() as client:
        for _ in range(2):
            client.send(post(GOOD))
            assert client.answer().status == 200
            client.socket.settimeout(3 * SOON)
            with pytest.raises(TimeoutError):
                client.ended()
            client.socket.settimeout(SECONDS)


def test_a_request_in_two_pieces_is_one(admission: Listening) -> None:
    with admission.connect() as client:
        for cut in (1, 50, -50):
            client.send(post(GOOD)[:cut])
            client.send(post(GOOD)[cut:])
            assert client.answer().status == 200


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"], ids=["nothing", "the first bytes"])
def test_a_handshake_that_does_not_come_to_its_end(
    admission: Listening, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_SECONDS", SOON)
    with admission.plain() as plain:
        plain.sendall(sent)
        with contextlib.suppress(ConnectionError):
            assert plain.recv(1000) == b""
    _until(lambda: admission.reasons == ["handshake"])
    monkeypatch.undo()
    assert admission.ask().status == 200


def test_answers_that_nobody_reads_are_given_up(admission: Listening, pair: Path) -> None:
    async def large(request: Request) -> PlainTextResponse:
        return PlainTextResponse(b" " * 1024 * 1024)

    with Listening(app.build([Route("/", large)]), pair) as listening, listening.connect() as client:
        state = listening.listener._state
        for number in range(100):
            client.send(post(b"", "/", method="GET"))
            _until(partial(_is_answered_or_gone, state, number))
            if not state.connections:
                break
        else:
            pytest.fail("it writes without end")


def _is_answered_or_gone(state: ServerState, number: int) -> bool:
    return state.total_requests > number or not state.connections


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def small(pair: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """Has room for ten connections."""
    monkeypatch.setattr(traffic, "CONNECTIONS_LIMIT", 10)
    with Listening(Admission().app, pair) as listening:
        yield listening


def test_a_crowd_of_the_silent_keeps_nobody_out(small: Listening) -> None:
    with contextlib.ExitStack() as stack:
        regular = stack.enter_context(small.connect())
        regular.send(post(GOOD))
        assert regular.answer().status == 200
        for _ in range(5):
            for _ in range(5):
                stack.enter_context(small.plain())
                stack.enter_context(small.connect())
                slow = stack.enter_context(small.connect())
                slow.send(HEAD + b"\r\n{")
            assert small.ask().status == 200
        regular.send(post(GOOD))
        assert regular.answer().status == 200, "who was answered before is the last to go"
    assert small.reasons.count("crowded") >= 60


def test_the_connection_used_longest_ago_goes_when_all_have_been_answered(small: Listening) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(small.connect()) for _ in range(10)]
        for client in [*clients, clients[0]]:
            client.send(post(GOOD))
            assert client.answer().status == 200
        assert small.ask().status == 200
        assert clients[1].ended() == b""
        clients[0].send(post(GOOD))
        assert clients[0].answer().status == 200


def test_a_reset_in_the_middle_of_a_request_leaves_no_timer_behind(admission: Listening) -> None:
    with admission.connect() as client:
        client.send(post(GOOD))
        assert client.answer().status == 200
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert admission.ask().status == 200
    assert admission.reasons == []
