"""The load program sends what it is told to, and tells of every failure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.admission import load
from benchmarks.admission.load import Load
from benchmarks.admission.servers import Bench, Server
from tests.codec.builders import body, review
from tools.controlplane.errors import ControlPlaneError


@pytest.fixture
def client(bench: Bench, constant: Server) -> Iterator[Load]:
    with load.connected(bench.programs, constant.address, bench.ca_file, 3) as connected:
        yield connected


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two reviews."""
    both = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in both:
        file.write_bytes(body(review()))
    return both


def test_every_body_is_sent_equally_often(client: Load, files: list[Path]) -> None:
    outcome = client.send("/validate", files, 100)
    assert [len(latencies) for latencies in outcome.latencies] == [50, 50]
    assert all(0 < latency <= outcome.seconds for each in outcome.latencies for latency in each)


def test_connections_serve_one_order_after_another(client: Load, files: list[Path]) -> None:
    assert [len(client.send(path, files[:1], 5).latencies[0]) for path in ("/mutate", "/validate")] == [5, 5]


def test_whole_requests_are_sent_as_they_are(client: Load, tmp_path: Path) -> None:
    request = (
        b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    good, bad = tmp_path / "good", tmp_path / "bad"
    content = body(review())
    good.write_bytes(request % len(content) + content)
    bad.write_bytes(request.replace(b"/validate", b"/nowhere") % len(content) + content)
    assert [len(each) for each in client.send_whole([good, good]).latencies] == [1, 1]
    with pytest.raises(ControlPlaneError, match="1 of 2 requests to several paths failed: status 404"):
        client.send_whole([good, bad])


def test_a_rate_spreads_the_requests(client: Load, files: list[Path]) -> None:
    assert client.send("/validate", files, 21, rate=100.0).seconds >= 0.2


def test_an_error_answer_is_told_with_its_number_and_words(client: Load, files: list[Path]) -> None:
    with pytest.raises(ControlPlaneError, match="4 of 4 requests to /nowhere failed: status 404"):
        client.send("/nowhere", files, 4)


def test_a_body_that_cannot_be_read_ends_the_program(client: Load, tmp_path: Path) -> None:
    with pytest.raises(ControlPlaneError, match="has ended"):
        client.send("/validate", [tmp_path / "missing.json"], 1)
