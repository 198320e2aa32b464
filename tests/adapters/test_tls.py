"""Serving contexts: TLS 1.2 and later, and clear words about files that cannot be used."""

import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.adapters.handshake import handshake
from webhook.adapters import pki, tls


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs, `a` and `b`, and files that are neither certificate nor key."""
    made = tmp_path_factory.mktemp("tls")
    for name in ("a", "b"):
        pki.make_pair(made / name, ["localhost"])
    (made / "empty").touch()
    (made / "text").write_text("hello")
    shutil.copy(made / "a" / "tls.crt", made / "crt")
    return made


def _client(folder: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Trusts the pair `a`, speaks one version, and is not choosy itself."""
    context = ssl.create_default_context(cafile=folder / "a" / "ca.crt")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


def _server(folder: Path) -> ssl.SSLContext:
    context = tls.server_context(folder / "a" / "tls.crt", folder / "a" / "tls.key")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # leaves the version as the only thing to refuse
    return context


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_speaks(folder: Path, version: ssl.TLSVersion, name: str) -> None:
    assert handshake(_server(folder), _client(folder, version), "localhost") == name


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_refuses_tls_1_1(folder: Path) -> None:
    server, client = _server(folder), _client(folder, ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError, match=r"(?i)unsupported.protocol"):
        handshake(server, client, "localhost")
    server.minimum_version = ssl.TLSVersion.TLSv1_1  # nothing else was in the way
    assert handshake(server, client, "localhost") == "TLSv1.1"


@pytest.mark.parametrize(
    ("certificate", "key", "reason"),
    [
        pytest.param("a/tls.crt", "b/tls.key", "KEY_VALUES_MISMATCH", id="of two pairs"),
        pytest.param("a/nothing", "a/tls.key", "No such file or directory", id="no certificate"),
        pytest.param("a/tls.crt", "a/nothing", "No such file or directory", id="no key"),
        pytest.param("a", "a/tls.key", "Is a directory", id="a folder"),
    ],
)
def test_a_pair_that_cannot_be_used(folder: Path, certificate: str, key: str, reason: str) -> None:
    with pytest.raises(tls.CertificateError) as refused:
        tls.server_context(folder / certificate, folder / key)
    assert str(refused.value) == (
        f"certificate {folder / certificate} with key {folder / key} cannot be used: {reason}; "
        "make a pair with `nsp certs make`"
    )


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        pytest.param("empty", "a/tls.key", id="an empty certificate"),
        pytest.param("text", "a/tls.key", id="a certificate that is none"),
        pytest.param("a/tls.crt", "text", id="a key that is none"),
        pytest.param("a/tls.key", "a/tls.crt", id="the two mixed up"),
    ],
)
def test_a_file_that_is_no_pem(folder: Path, certificate: str, key: str) -> None:
    with pytest.raises(tls.CertificateError) as refused:
        tls.server_context(folder / certificate, folder / key)
    assert "None" not in str(refused.value)


_ASKS = """
import pathlib, sys
from webhook.adapters import tls
try:
    tls.server_context(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
except tls.CertificateError as error:
    print(error)
"""


def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked(folder: Path, tmp_path: Path) -> None:
    key = serialization.load_pem_private_key((folder / "a" / "tls.key").read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"open sesame")
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
    command = [sys.executable, "-c", _ASKS, str(folder / "a" / "tls.crt"), str(tmp_path / "key")]
    ended = subprocess.run(
        command, input="open sesame\n", capture_output=True, text=True, timeout=30, start_new_session=True
    )
    assert "pass phrase" not in ended.stderr
    assert "cannot be used" in ended.stdout
