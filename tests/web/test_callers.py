"""With an authority for callers, whoever has come through the handshake may still be the wrong one."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.authority import Issued
from tests.web.builders import Admission
from tests.web.listening import GOOD, LOOPS, SECONDS, Listening, post
from webhook.adapters import tls
from webhook.adapters.certificate import ServingCertificate

CALLERS = Issued.root("callers")


@pytest.fixture(params=sorted(LOOPS))
def admission(request: pytest.FixtureRequest, pair: Path, tmp_path: Path) -> Iterator[Listening]:
    """Answers kube-apiserver, with a certificate of CALLERS."""
    ca, _ = CALLERS.write(tmp_path)
    serving = ServingCertificate(pair / "tls.crt", pair / "tls.key", ca)
    admits = tls.admits(frozenset({"kube-apiserver"}))
    app = Admission().app
    with Listening(app, pair, loop=request.param, tls=serving.context, admits=admits) as listening:
        yield listening


def _showing(
    listening: Listening, shown: Issued | None, folder: Path, version: ssl.TLSVersion
) -> ssl.SSLContext:
    context = listening.trusting()
    context.minimum_version = context.maximum_version = version
    if shown is not None:
        context.load_cert_chain(*shown.write(folder))
    return context


EACH_VERSION = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name
)


@EACH_VERSION
def test_the_right_caller_is_answered(admission: Listening, tmp_path: Path, version: ssl.TLSVersion) -> None:
    shown = CALLERS.issue("kube-apiserver")
    for _ in range(2):
        with admission.connect(_showing(admission, shown, tmp_path, version)) as client:
            for _ in range(2):
                client.send(post(GOOD))
                assert client.answer().status == 200
    assert admission.reasons == []


@EACH_VERSION
@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        pytest.param(CALLERS.issue("mallory"), "stranger", id="with another name"),
        pytest.param(Issued.root("x").issue("kube-apiserver"), "handshake", id="of another authority"),
        pytest.param(None, "handshake", id="without a certificate"),
    ],
)
def test_no_other_gets_a_byte(
    admission: Listening, tmp_path: Path, version: ssl.TLSVersion, shown: Issued | None, reason: str
) -> None:
    try:
        with admission.connect(_showing(admission, shown, tmp_path, version)) as client:
            client.send(post(GOOD))
            assert client.ended() == b""
    except (ssl.SSLError, ConnectionError):
        pass  # so it was told during or after its handshake
    right = _showing(admission, CALLERS.issue("kube-apiserver"), tmp_path, version)
    with admission.connect(right) as client:
        client.send(post(GOOD))
        assert client.answer().status == 200
    deadline = time.monotonic() + SECONDS
    while admission.reasons != [reason]:
        assert time.monotonic() < deadline, admission.reasons
        time.sleep(0.005)
