"""What a container is asked, and what its answers add up to."""

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from tools.standin import probes
from tools.standin.probes import Probe, Prober, Tally


def _verdicts(answers: str, **spec: int) -> str:
    """The verdict after each answer, by its first letter."""
    tally, seen = Tally(Probe.of(spec)), ""
    for answer in answers:
        tally.record(answer == "+")
        seen += tally.verdict[0]
    return seen


@pytest.mark.parametrize(
    ("answers", "spec", "verdicts"),
    [
        pytest.param("+", {}, "g", id="one good answer is enough"),
        pytest.param("---", {}, "uub", id="three bad ones in a row are needed"),
        pytest.param("--+--+", {}, "uugggg", id="a good one between them counts from the start"),
        pytest.param("+---+", {}, "ggg" + "bg", id="what was good stays good until the third"),
        pytest.param("-", {"failureThreshold": 1}, "b", id="a threshold of one"),
        pytest.param("+-++", {"successThreshold": 2}, "uuug", id="two good ones in a row"),
    ],
)
def test_answers_in_a_row(answers: str, spec: dict[str, int], verdicts: str) -> None:
    assert _verdicts(answers, **spec) == verdicts


class _Later(Executor):
    """Takes questions and answers them when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.asked.append(Future())
        return self.asked[-1]


def test_it_is_asked_when_it_is_time_and_never_twice_at_once() -> None:
    later = _Later()
    prober = Prober(Probe.of({"initialDelaySeconds": 5, "periodSeconds": 2}), lambda: "", later, started=100)
    seen = []
    for now in (104, 105, 106, 108, 110):
        prober.step(now)
        seen.append(len(later.asked))
    assert seen == [0, 1, 1, 1, 1]
    later.asked[0].set_result("refused")
    assert prober.step(110.5) == "unknown"
    assert prober.trouble == "refused"
    later.asked[1].set_result("")
    assert prober.step(111) == "good"
    assert len(later.asked) == 2
    prober.step(112.5)
    assert len(later.asked) == 3


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code = {"/good": 204, "/moved": 302, "/bad": 503}.get(self.path, 404)
        self.send_response(code if self.headers.get("Wanted", "yes") == "yes" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _ask(spec: dict[str, Any], port: int = 1) -> str:
    execute = {"true": "", "false": "false ended with code 1"}
    return probes.ask(Probe.of(spec), "127.0.0.1", {"web": port}, lambda command, _: execute[command[0]])


@pytest.mark.parametrize(
    ("get", "said"),
    [
        ({"path": "/good", "port": "web"}, ""),
        ({"path": "/moved", "port": "web"}, ""),
        ({"path": "/bad", "port": "web"}, "HTTP status 503"),
        (
            {"path": "/good", "port": "web", "httpHeaders": [{"name": "Wanted", "value": "no"}]},
            "HTTP status 401",
        ),
        ({"path": "/good", "port": "other"}, "ValueError: no port is called other"),
    ],
)
def test_questions_over_http(port: int, get: dict[str, Any], said: str) -> None:
    assert _ask({"httpGet": get}, port) == said


def test_nobody_there_is_bad(port: int) -> None:
    assert _ask({"tcpSocket": {"port": port}}, port) == ""
    assert _ask({"tcpSocket": {"port": "web"}}).startswith("ConnectionRefusedError")
    assert _ask({"httpGet": {"port": 1}}).startswith("ConnectionRefusedError")
    assert "Error" in _ask({"httpGet": {"port": port, "scheme": "HTTPS"}})


def test_other_questions() -> None:
    assert _ask({"exec": {"command": ["true"]}}) == ""
    assert _ask({"exec": {"command": ["false"]}}) == "false ended with code 1"
    assert _ask({"grpc": {"port": 1}}) == "the stand-in has no such probe: httpGet, tcpSocket or exec"
