"""The pair that `nsp certs make` writes serves the hosts it was made for."""

import errno
import os
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.adapters.handshake import handshake
from webhook.adapters import pki, tls

HOSTS = ("localhost", "127.0.0.1", "::1", "nsp.ns-provisioner.svc")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return pki.make_pair(tmp_path_factory.mktemp("pair"), HOSTS)


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize("host", HOSTS)
def test_a_client_that_has_the_ca_trusts_it(pair: tuple[Path, Path, Path], host: str) -> None:
    authority, certificate, key = pair
    client = ssl.create_default_context(cafile=authority)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    assert handshake(tls.server_context(certificate, key), client, host) == "TLSv1.3"


@pytest.mark.parametrize("host", ["example.org", "127.0.0.2", "localhost.evil"])
def test_for_no_other_host(pair: tuple[Path, Path, Path], host: str) -> None:
    authority, certificate, key = pair
    client = ssl.create_default_context(cafile=authority)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.server_context(certificate, key), client, host)


def test_another_ca_does_not_vouch_for_it(pair: tuple[Path, Path, Path], tmp_path: Path) -> None:
    other, _, _ = pki.make_pair(tmp_path, HOSTS)
    client = ssl.create_default_context(cafile=other)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.server_context(pair[1], pair[2]), client, "localhost")


def test_what_the_certificates_say(pair: tuple[Path, Path, Path]) -> None:
    authority, leaf = _certificate(pair[0]), _certificate(pair[1])
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=90)
    assert authority.not_valid_after_utc - authority.not_valid_before_utc == timedelta(days=3650)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_the_files_and_their_modes(pair: tuple[Path, Path, Path]) -> None:
    folder = pair[0].parent
    assert [path.name for path in pair] == ["ca.crt", "tls.crt", "tls.key"]
    assert sorted(folder.iterdir()) == sorted(pair)
    assert pair[2].stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in pair[0].read_bytes() + pair[1].read_bytes()


def test_a_second_pair_replaces_the_first(tmp_path: Path) -> None:
    before = [path.read_bytes() for path in pki.make_pair(tmp_path / "new" / "folder", ["localhost"])]
    after = [path.read_bytes() for path in pki.make_pair(tmp_path / "new" / "folder", ["localhost"])]
    assert not set(before) & set(after)


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("file", "File exists"), ("file/below", "Not a directory")],
    ids=["a file", "below a file"],
)
def test_a_folder_that_is_none(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(pki.PairError) as refused:
        pki.make_pair(tmp_path / folder, ["localhost"])
    assert str(refused.value) == f"cannot write to {tmp_path / folder}: {reason}"


@pytest.mark.parametrize(
    "host", ["bücher.example", "", "a b", "a\n", "a/b", "https://a", "a:443", ".a", "a.", "-a", "*", "*a"]
)
def test_a_host_that_no_certificate_can_name(tmp_path: Path, host: str) -> None:
    with pytest.raises(pki.PairError, match="neither a DNS name in ASCII nor an IP address"):
        pki.make_pair(tmp_path, ["localhost", host])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["a", "a-b.example", "*.example", "A.Example", "_x.example", "1.example"])
def test_a_host_that_a_certificate_can_name(tmp_path: Path, host: str) -> None:
    leaf = _certificate(pki.make_pair(tmp_path, [host])[1])
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [host]


def _fail_at(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """The disk is full as soon as the draft of `broken` is to be written."""
    real = os.open

    def full(path: Path, *arguments: int) -> int:
        if Path(path).name == f"{broken}.new":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", full)


@pytest.mark.parametrize("broken", ["ca.crt", "tls.crt", "tls.key"])
def test_a_pair_that_cannot_be_written_whole_leaves_the_old_one_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    paths = pki.make_pair(tmp_path, ["localhost"])
    before = [path.read_bytes() for path in paths]
    _fail_at(monkeypatch, broken)
    with pytest.raises(pki.PairError, match="No space left on device"):
        pki.make_pair(tmp_path, ["localhost"])
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("broken", ["ca.crt", "tls.crt", "tls.key"])
def test_a_pair_that_cannot_be_written_whole_leaves_no_drafts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    _fail_at(monkeypatch, broken)
    with pytest.raises(pki.PairError):
        pki.make_pair(tmp_path, ["localhost"])
    assert list(tmp_path.iterdir()) == []


def test_a_left_over_file_does_not_open_the_key_to_all(tmp_path: Path) -> None:
    left_over = tmp_path / "tls.key.new"
    left_over.touch()
    os.chmod(left_over, 0o644)
    _, _, key = pki.make_pair(tmp_path, ["localhost"])
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_leaf_lives_as_long_as_asked_for(tmp_path: Path) -> None:
    leaf = _certificate(pki.make_pair(tmp_path, ["localhost"], days=7)[1])
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=7)


def test_a_leaf_may_live_as_long_as_its_ca_and_no_longer(tmp_path: Path) -> None:
    pki.make_pair(tmp_path, ["localhost"], days=pki.CA_DAYS)
    with pytest.raises(pki.PairError) as refused:
        pki.make_pair(tmp_path, ["localhost"], days=pki.CA_DAYS + 1)
    assert str(refused.value) == "a certificate of 3651 days would outlive its CA: make it shorter"


def test_the_key_of_the_ca_is_kept_on_request_and_for_its_owner_alone(tmp_path: Path) -> None:
    paths = pki.make_kept(tmp_path, ["localhost"])
    assert [path.name for path in paths] == ["ca.crt", "tls.crt", "tls.key", "ca.key"]
    assert paths[3].stat().st_mode & 0o777 == 0o600
    key = serialization.load_pem_private_key(paths[3].read_bytes(), password=None)
    assert key.public_key() == _certificate(paths[0]).public_key()


@pytest.mark.parametrize("make", [pki.make_pair, pki.make_kept])
def test_a_ca_whose_key_was_kept_is_not_replaced_in_passing(
    tmp_path: Path, make: Callable[[Path, list[str]], tuple[Path, ...]]
) -> None:
    before = {path: path.read_bytes() for path in pki.make_kept(tmp_path, ["localhost"])}
    with pytest.raises(pki.PairError) as refused:
        make(tmp_path, ["localhost"])
    assert str(refused.value) == (
        f"there is a CA with its key {tmp_path / 'ca.key'} already: `nsp certs renew` makes a new leaf"
        " from it; remove the key to begin with a new CA"
    )
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
