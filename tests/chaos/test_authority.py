"""Pairs are good, or bad in just the way that they are meant to be."""

import ssl
from pathlib import Path

import pytest

from tests.adapters.handshake import handshake
from tools.chaos.authority import ADDRESS, Authority, Pair


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def serving(folder: Path, certificate: bytes, key: bytes) -> ssl.SSLContext:
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.pem.decode())


@pytest.mark.parametrize("algorithm", ["ECDSA", "RSA"])
def test_a_good_pair_serves_whoever_trusts_the_authority(
    authority: Authority, tmp_path: Path, algorithm: str
) -> None:
    pair = authority.pair(algorithm)
    server = serving(tmp_path, pair.certificate, pair.key)
    assert handshake(server, trusting(authority), ADDRESS)
    assert ssl.PEM_cert_to_DER_cert(pair.certificate.decode()) == pair.der


def test_nobody_accepts_an_expired_one(authority: Authority, tmp_path: Path) -> None:
    pair = authority.pair("ECDSA", expired=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        handshake(serving(tmp_path, pair.certificate, pair.key), trusting(authority), ADDRESS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("ECDSA", "ECDSA", id="two ECDSA pairs"),
        pytest.param("RSA", "RSA", id="two RSA pairs"),
        pytest.param("RSA", "ECDSA", id="one of each"),
    ],
)
def test_a_pair_never_has_the_key_of_the_one_before(
    authority: Authority, tmp_path: Path, one: str, other: str
) -> None:
    certificate, key = authority.pair(one).certificate, authority.pair(other).key
    with pytest.raises(ssl.SSLError, match=r"KEY_VALUES_MISMATCH|NO_CERTIFICATE_ASSIGNED"):
        serving(tmp_path, certificate, key)


def test_each_pair_is_another(authority: Authority) -> None:
    pairs: list[Pair] = [authority.pair("RSA") for _ in range(4)]
    assert len({pair.der for pair in pairs}) == 4
