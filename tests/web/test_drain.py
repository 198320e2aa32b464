"""A listener that is told to stop: it says so, goes on answering, and ends when nobody asks any more."""

import asyncio
import contextlib
import threading
import time
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.web.builders import Admission
from tests.web.listening import GOOD, LOOPS, SECONDS, Client, Listening, post
from webhook.web import app, server

QUIET = 0.5
EITHER_LOOP = pytest.mark.parametrize("loop", sorted(LOOPS))


def _admission(pair: Path, *, loop: str = "uvloop", quiet: float = QUIET, grace: float = 20) -> Listening:
    return Listening(Admission().app, pair, loop=loop, quiet=quiet, grace=grace)


def _stop(listening: Listening) -> None:
    """Returns when it has begun to drain."""
    listening.stop()
    deadline = time.monotonic() + SECONDS
    while listening.listener.unready() != "draining" or not listening.listener._traffic.draining:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _ask_on(client: Client) -> str | None:
    """What an answer says of its connection."""
    client.send(post(GOOD))
    answer = client.answer()
    assert answer.status == 200
    return answer.headers.get("connection")


def _seconds_until_it_ends(listening: Listening, since: float) -> float:
    listening.thread.join(SECONDS)
    assert not listening.thread.is_alive()
    return time.monotonic() - since


def test_it_is_ready_while_it_serves(pair: Path) -> None:
    with _admission(pair, quiet=0) as listening:
        assert listening.listener.unready() is None
        listening.stop()
        assert _seconds_until_it_ends(listening, time.monotonic()) < SECONDS
        assert listening.listener.unready() == "draining"


@EITHER_LOOP
def test_every_answer_is_then_the_last_of_its_connection(pair: Path, loop: str) -> None:
    with _admission(pair, loop=loop) as listening, listening.connect() as idle, listening.connect() as new:
        assert _ask_on(idle) is None
        _stop(listening)
        for client in (idle, new):
            assert _ask_on(client) == "close"
            assert client.ended() == b""
        with listening.connect() as late:
            assert _ask_on(late) == "close"


def test_an_idle_connection_is_not_closed_before_it_is_quiet(pair: Path) -> None:
    with _admission(pair) as listening, listening.connect() as idle:
        assert _ask_on(idle) is None
        _stop(listening)
        began = time.monotonic()
        assert idle.ended() == b""
        assert time.monotonic() - began > QUIET * 0.9


@EITHER_LOOP
def test_it_ends_when_nobody_has_asked_for_the_quiet_period(pair: Path, loop: str) -> None:
    with _admission(pair, loop=loop) as listening:
        _stop(listening)
        for _ in range(5):
            time.sleep(QUIET / 3)
            last = time.monotonic()
            assert listening.ask().status == 200
        assert QUIET * 0.9 < _seconds_until_it_ends(listening, last) < QUIET + 5


def test_whoever_has_only_connected_is_expected_to_ask(pair: Path) -> None:
    with _admission(pair) as listening:
        _stop(listening)
        time.sleep(QUIET / 2)
        last = time.monotonic()
        with listening.connect() as late:
            assert _seconds_until_it_ends(listening, last) > QUIET * 0.9
            assert late.ended() == b""


def test_the_grace_limit_ends_it_although_somebody_goes_on_asking(pair: Path) -> None:
    with _admission(pair, grace=server.FAREWELL_SECONDS + 2 * QUIET) as listening:
        _stop(listening)
        began = time.monotonic()
        with contextlib.suppress(OSError, EOFError):
            while time.monotonic() - began < SECONDS:
                assert listening.ask().status == 200
        assert QUIET < time.monotonic() - began < SECONDS / 2


@pytest.mark.parametrize("at_once", [False, True], ids=["no quiet period", "told to hurry"])
def test_without_a_quiet_period_it_ends_at_once(pair: Path, at_once: bool) -> None:
    with _admission(pair, quiet=100 if at_once else 0) as listening, listening.connect() as idle:
        assert _ask_on(idle) is None
        began = time.monotonic()
        listening.stop(at_once=at_once)
        assert idle.ended() == b""
        idle.socket.close()
        assert _seconds_until_it_ends(listening, began) < 1


def test_no_request_is_lost_while_it_drains(pair: Path) -> None:
    """Callers that learn of it late, with connections of their own and with new ones."""
    with _admission(pair) as listening:
        going, answered = threading.Event(), [0, 0, 0, 0]

        def call(number: int) -> None:
            client = listening.connect()
            while not going.is_set():
                if _ask_on(client) == "close":
                    client.socket.close()
                    client = listening.connect()
                answered[number] += 1
            client.socket.close()

        callers = [threading.Thread(target=call, args=(number,)) for number in range(len(answered))]
        for caller in callers:
            caller.start()
        _stop(listening)
        before = sum(answered)
        while sum(answered) < before + 200:
            assert all(caller.is_alive() for caller in callers)
            time.sleep(0.01)
        going.set()
        for caller in callers:
            caller.join()
        last = time.monotonic()
        assert _seconds_until_it_ends(listening, last) < QUIET + 5
        _until_refused(listening)


def _until_refused(listening: Listening) -> None:
    """It accepts nobody any more."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            listening.plain().close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # it was among the last that had come
    pytest.fail("it still accepts")


class Slow:
    """An application whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.app = app.build([Route("/", self._get)])

    async def _get(self, request: Request) -> PlainTextResponse:
        self.asked.set()
        await asyncio.to_thread(self.answer.wait, SECONDS)
        return PlainTextResponse("done")


def test_a_request_in_hand_has_its_answer(pair: Path) -> None:
    slow = Slow()
    with Listening(slow.app, pair) as listening, listening.connect() as client:
        client.send(post(b"", "/", method="GET"))
        assert slow.asked.wait(SECONDS)
        _stop(listening)
        _until_refused(listening)
        slow.answer.set()
        answer = client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")


def test_a_request_in_hand_is_given_up_at_the_end_of_the_grace(pair: Path) -> None:
    slow = Slow()
    with Listening(slow.app, pair, grace=QUIET) as listening, listening.connect() as client:
        client.send(post(b"", "/", method="GET"))
        assert slow.asked.wait(SECONDS)
        began = time.monotonic()
        listening.stop()
        assert client.ended().partition(b"\r\n")[0] in (b"", b"HTTP/1.1 500 Internal Server Error")
        slow.answer.set()
        assert QUIET * 0.9 < _seconds_until_it_ends(listening, began) < QUIET + 5
