"""The balancer passes on bytes, ends and resets, and knows only what it was told, when it was told."""

import asyncio
import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from tools.chaos.background import Background
from tools.chaos.balancer import Balancer
from tools.controlplane import waiting


class Greeter:
    """Says its name to whoever connects, then sends back what it gets until the other side has ended."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self._name)
                while data := connection.recv(65536):
                    connection.sendall(data)

    def stop(self) -> None:
        """Harmless when it is stopped already."""
        if not self._thread.is_alive():
            return
        self._server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._server.close()
        self._thread.join()


@pytest.fixture
def greeters() -> Iterator[list[Greeter]]:
    running = [Greeter(name) for name in "abc"]
    yield running
    for greeter in running:
        greeter.stop()


@pytest.fixture
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


@pytest.fixture
def balancer(background: Background, greeters: Sequence[Greeter]) -> Iterator[Balancer]:
    """It knows the first greeter; what it is told from now on, it knows at once."""
    made = Balancer(lambda: 0.0)
    background.call(made.start([greeters[0].endpoint]))
    yield made
    background.call(made.stop())


def connect(balancer: Balancer) -> socket.socket:
    host, _, port = balancer.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def send_all(connection: socket.socket, content: bytes) -> None:
    connection.sendall(content)
    connection.shutdown(socket.SHUT_WR)


def greeting(balancer: Balancer) -> str:
    """Who answers a new connection; empty when nobody does."""
    try:
        with connect(balancer) as connection:
            return connection.recv(1).decode()
    except ConnectionResetError:
        return ""


def until_greeted_by(balancer: Balancer, names: str) -> None:
    """By all of them in turn, and by nobody else."""
    waiting.until(
        lambda: sorted(greeting(balancer) for _ in names) == sorted(names), f"greetings of {names!r}", []
    )


def test_bytes_come_back_and_the_end_of_them_too(balancer: Balancer) -> None:
    sent = bytes(range(256)) * 4000
    with connect(balancer) as connection:
        sender = threading.Thread(target=send_all, args=(connection, sent))
        sender.start()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        sender.join()
    assert received == b"a" + sent


def test_new_connections_take_turns(balancer: Balancer, greeters: Sequence[Greeter]) -> None:
    balancer.announce([greeter.endpoint for greeter in greeters])
    until_greeted_by(balancer, "abc")
    assert {dial.endpoint for dial in balancer.dials} == {greeter.endpoint for greeter in greeters}


def test_a_connection_stays_where_it_is_when_its_endpoint_is_no_more(
    balancer: Balancer, greeters: Sequence[Greeter]
) -> None:
    with connect(balancer) as connection:
        assert connection.recv(1) == b"a"
        balancer.announce([greeters[1].endpoint])
        until_greeted_by(balancer, "b")
        assert balancer.open[greeters[0].endpoint] == 1
        connection.sendall(b"still there")
        assert connection.recv(20) == b"still there"


def test_what_was_announced_later_is_never_known_earlier(
    balancer: Balancer, greeters: Sequence[Greeter]
) -> None:
    delays = iter([0.2, 0.0])
    balancer.lateness = lambda: next(delays)
    began = time.monotonic()
    balancer.announce([greeters[1].endpoint])
    balancer.announce([greeters[2].endpoint])
    until_greeted_by(balancer, "c")
    assert time.monotonic() - began >= 0.2
    assert greeting(balancer) == "c"


def test_a_busy_loop_does_not_bring_old_news_after_new(background: Background) -> None:
    """Timers that are due at the same time fire in any order when the loop's clock was behind."""
    delays = itertools.cycle([0.05, 0.03, 0.01, 0.0])
    balancer, seen = Balancer(lambda: next(delays)), []

    async def announce() -> None:
        await balancer.start(["0"])
        for number in range(1, 200):
            balancer.announce([str(number)])
            await asyncio.sleep(0)
            time.sleep(0.0005)  # noqa: ASYNC251 - what is tested is a loop that was kept busy
            seen.append(balancer.known)

    background.call(announce())
    waiting.until(lambda: balancer.known == ("199",), "the last announcement to be known", [])
    background.call(balancer.stop())
    numbers = [int(endpoint) for (endpoint,) in seen]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 1


def test_a_dead_endpoint_is_dialled_as_long_as_it_is_known(
    balancer: Balancer, greeters: Sequence[Greeter]
) -> None:
    greeters[0].stop()
    assert greeting(balancer) == ""
    assert [dial.taken for dial in balancer.dials] == [False]
    balancer.announce([greeters[1].endpoint])
    until_greeted_by(balancer, "b")


def test_asked_to_redispatch_it_tries_the_next_one(balancer: Balancer, greeters: Sequence[Greeter]) -> None:
    balancer.announce([greeter.endpoint for greeter in greeters])
    until_greeted_by(balancer, "abc")
    greeters[0].stop()
    balancer.redispatch = True
    assert "" not in {greeting(balancer) for _ in range(6)}
    for greeter in greeters:
        greeter.stop()
    assert greeting(balancer) == ""


def test_a_reset_is_passed_on_as_a_reset(balancer: Balancer, background: Background) -> None:
    """What a killed process leaves behind; an orderly end would look like an answer cut short."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        balancer.announce([f"127.0.0.1:{server.getsockname()[1]}"])
        background.call(asyncio.sleep(0))
        with connect(balancer) as connection:
            accepted, _ = server.accept()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted.close()
            with pytest.raises(ConnectionResetError):
                connection.recv(1)


def test_nobody_known_is_nobody_to_talk_to(balancer: Balancer) -> None:
    balancer.announce([])
    waiting.until(lambda: greeting(balancer) == "", "the greeter to be forgotten", [])
    assert all(dial.taken for dial in balancer.dials)
