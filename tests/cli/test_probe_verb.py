"""`nsp probe` against a real listener: what it says of a pair that answers, and of all that can be wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.cli.conftest import Nsp
from tests.web.listening import Listening
from tools.controlplane import ports
from webhook.adapters import catalogue_file, pki
from webhook.adapters.clock import SystemClock
from webhook.telemetry import Log, Metrics
from webhook.web import admission, app
from webhook.web.record import Recorder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    pki.make_pair(folder, ["localhost"])
    return folder


@pytest.fixture(scope="module")
def url(pair: Path) -> Iterator[str]:
    """Of a real admission pair with the built-in catalogue."""
    policy, clock = catalogue_file.load(None), SystemClock()
    recorder = Recorder(Metrics(), Log(clock.now), allowed_every=0)
    with Listening(app.build(admission.routes(lambda: policy, clock, recorder)), pair) as listening:
        yield f"https://localhost:{listening.listener.port}"


def test_a_pair_that_answers(nsp: Nsp, url: str, pair: Path) -> None:
    ended = nsp("probe", "--url", url, "--ca-file", pair / "ca.crt")
    mutating, validating = ended.out.splitlines()
    assert ended.code == 0
    assert mutating.startswith(f"{url}/mutate answers in ")
    assert mutating.endswith(" ms and allows")
    assert validating.endswith(" ms and denies: 7 rules are broken")


def test_an_authority_that_has_not_signed_its_certificate(nsp: Nsp, url: str, tmp_path: Path) -> None:
    ca_file, *_ = pki.make_pair(tmp_path, ["localhost"])
    ended = nsp("probe", "--url", url, "--ca-file", ca_file)
    assert (ended.code, ended.out) == (1, "")
    assert f"{url} shows a certificate that {ca_file} has not signed, or not for this name" in ended.err


def test_a_name_that_is_not_in_its_certificate(nsp: Nsp, url: str, pair: Path) -> None:
    other = url.replace("localhost", "127.0.0.1")
    ended = nsp("probe", "--url", other, "--ca-file", pair / "ca.crt")
    assert ended.code == 1
    assert "certificate is not valid for '127.0.0.1'" in ended.err


def test_nobody_there(nsp: Nsp, pair: Path) -> None:
    with ports.reserve() as free:
        url = f"https://127.0.0.1:{free.port}"
        ended = nsp("probe", "--url", url, "--ca-file", pair / "ca.crt")
    assert ended.code == 1
    assert ended.err.startswith(f"nsp: {url}: no answer: Connection refused; is a replica ready")


def test_somebody_else_there(nsp: Nsp, pair: Path) -> None:
    other = Starlette(routes=[Route("/mutate", lambda _: PlainTextResponse("hello"), methods=["POST"])])
    with Listening(other, pair) as listening:
        url = f"https://localhost:{listening.listener.port}"
        ended = nsp("probe", "--url", url, "--ca-file", pair / "ca.crt")
    assert ended.code == 1
    assert ended.err == f"nsp: {url}/mutate answers 200, and not as an admission webhook\n"


def test_an_address_without_tls(nsp: Nsp, pair: Path) -> None:
    ended = nsp("probe", "--url", "http://localhost", "--ca-file", pair / "ca.crt")
    assert ended.code == 2
    assert "http://localhost is no https:// address" in ended.err


def test_a_file_that_holds_no_authority(nsp: Nsp, url: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("nothing")
    ended = nsp("probe", "--url", url, "--ca-file", file)
    assert ended.code == 1
    assert f"{file} holds no certificate in PEM form" in ended.err
