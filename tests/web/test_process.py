"""The admission role as a process: what it loads, how it ends, and that strangers cannot exhaust it."""

import contextlib
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.listening import GOOD, SECONDS, Client, post
from webhook.adapters import pki

ROOT = Path(__file__).parents[2]
SCRIPT = """
import atexit, sys
atexit.register(lambda: print(*sys.modules))
from webhook import cli
cli.main()
"""


class Role:
    """One process that runs the admission role."""

    def __init__(self, pair: Path, *flags: str, files: int | None = None) -> None:
        """`files` is how many the process may have open, at most."""
        self._pair = pair
        listen = ("--admission-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0")
        tls = ("--tls-cert", str(pair / "tls.crt"), "--tls-key", str(pair / "tls.key"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NSP_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "serve", "--role", "admission", *listen, *tls, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=kept,
            preexec_fn=None if files is None else _granting(files),
        )
        self.addresses: dict[str, int] = {}
        while (entry := self.entry())["message"] != "started":
            self.addresses[entry["role"]] = int(entry["address"].rpartition(":")[2])

    def entry(self) -> dict[str, Any]:
        """The next line of the log."""
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, "it has ended"
        entry: dict[str, Any] = json.loads(line)
        return entry

    def plain(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.addresses["admission"]), timeout=SECONDS)

    def connect(self) -> Client:
        context = ssl.create_default_context(cafile=self._pair / "ca.crt")
        return Client(context.wrap_socket(self.plain(), server_hostname="localhost"))

    def ask(self) -> tuple[int, str | None]:
        """Status, and what is said of the connection."""
        with self.connect() as client:
            client.send(post(GOOD))
            answer = client.answer()
            return answer.status, answer.headers.get("connection")

    def readiness(self) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.addresses['health']}/readyz", timeout=SECONDS
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def signal(self, number: signal.Signals) -> None:
        """Send it; the first of them is in the log when this returns."""
        self.process.send_signal(number)
        assert self.entry()["message"] == "stopping"

    def exit_code(self) -> int:
        return self.process.wait(timeout=SECONDS)


def _granting(files: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


@pytest.fixture
def start(pair: Path) -> Iterator[Callable[..., Role]]:
    with contextlib.ExitStack() as stack:

        def make(*flags: str, folder: Path = pair, files: int | None = None) -> Role:
            role = Role(folder, *flags, files=files)
            stack.enter_context(role.process)
            stack.callback(role.process.kill)
            return role

        yield make


def test_it_loads_no_client_and_no_large_library(start: Callable[..., Role], tmp_path: Path) -> None:
    pki.make_pair(tmp_path, ["localhost"])
    role = start("--drain-quiet", "0", folder=tmp_path)
    assert role.ask() == (200, None)
    pki.make_pair(tmp_path, ["localhost"])
    assert role.entry()["message"] == "certificate reloaded"
    assert role.ask() == (200, None)
    role.signal(signal.SIGTERM)
    printed, _ = role.process.communicate(timeout=SECONDS)
    loaded = {name.partition(".")[0] for name in printed.split()}
    assert {"webhook", "starlette", "uvicorn"} <= loaded
    assert not loaded & {"kubernetes", "aiohttp", "cryptography", "requests", "rich", "websockets", "h11"}


def test_sigterm_lets_it_drain(start: Callable[..., Role]) -> None:
    role = start("--drain-quiet", "1")
    assert role.readiness() == (200, "ok\n")
    with role.connect() as idle:
        idle.send(post(GOOD))
        assert idle.answer().headers.get("connection") is None
        role.signal(signal.SIGTERM)
        status, text = role.readiness()
        assert (status, text.splitlines()[0]) == (503, "[-]admission: draining")
        assert role.ask() == (200, "close")
        idle.send(post(GOOD))
        assert idle.answer().headers["connection"] == "close"
    last = time.monotonic()
    assert role.entry()["message"] == "stopped"
    assert 0.9 < time.monotonic() - last < SECONDS
    assert role.exit_code() == 0


@pytest.mark.parametrize(
    ("number", "quiet"),
    [
        pytest.param(signal.SIGTERM, "0", id="SIGTERM without a quiet period"),
        pytest.param(signal.SIGINT, "100", id="Ctrl-C"),
    ],
)
def test_it_ends_at_once_when_somebody_waits(
    start: Callable[..., Role], number: signal.Signals, quiet: str
) -> None:
    role = start("--drain-quiet", quiet)
    assert role.ask() == (200, None)
    role.signal(number)
    assert role.entry()["message"] == "stopped"
    assert role.exit_code() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_second_signal_ends_it_at_once(start: Callable[..., Role], number: signal.Signals) -> None:
    role = start("--drain-quiet", "100", "--drain-grace", "200")
    role.signal(signal.SIGTERM)
    role.process.send_signal(number)
    assert role.exit_code() == 128 + number


def test_the_grace_limit_ends_it(start: Callable[..., Role]) -> None:
    role = start("--drain-quiet", "100", "--drain-grace", "2")
    began = time.monotonic()
    role.signal(signal.SIGTERM)
    assert role.entry()["message"] == "stopped"
    assert time.monotonic() - began < SECONDS
    assert role.exit_code() == 0


@pytest.mark.parametrize("files", [40, 128], ids=["far too few", "few"])
def test_more_connections_than_it_may_have_files(start: Callable[..., Role], files: int) -> None:
    role = start("--drain-quiet", "0", files=files)
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(role.plain())
        assert role.ask() == (200, None)
    assert role.ask() == (200, None)
    role.signal(signal.SIGTERM)
    assert role.entry()["message"] == "stopped"
