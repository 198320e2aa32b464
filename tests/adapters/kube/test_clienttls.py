"""The TLS context for our calls follows its files, and never changes under a connection."""

import ssl
from pathlib import Path

import pytest

from webhook.adapters import pki
from webhook.adapters.kube.clienttls import DISTRUST_SECONDS, LOOK_SECONDS, ClientTls
from webhook.adapters.kube.credentials import CredentialsError


class Elapsed:
    """A monotonic clock that a test sets."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def authorities(tmp_path: Path) -> tuple[bytes, bytes]:
    """Two, as PEM."""
    first, second = (pki.make_pair(tmp_path / name, ["localhost"])[0].read_bytes() for name in ("1", "2"))
    return first, second


@pytest.fixture
def authority(tmp_path: Path, authorities: tuple[bytes, bytes]) -> Path:
    path = tmp_path / "ca.crt"
    path.write_bytes(authorities[0])
    return path


def trusts(context: ssl.SSLContext) -> list[bytes]:
    return context.get_ca_certs(binary_form=True)


def der(authority: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(authority.decode())


def test_it_trusts_the_authority_and_nobody_else(authority: Path, authorities: tuple[bytes, bytes]) -> None:
    context = ClientTls(str(authority)).current()
    assert trusts(context) == [der(authorities[0])]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_without_an_authority_the_system_s_are_trusted() -> None:
    context = ClientTls().current()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_nothing_is_verified_where_the_kubeconfig_says_so(authority: Path) -> None:
    context = ClientTls(str(authority), verify=False).current()
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_a_new_authority_comes_in_a_new_context_each_minute(
    authority: Path, authorities: tuple[bytes, bytes], elapsed: Elapsed
) -> None:
    tls = ClientTls(str(authority), monotonic=elapsed)
    before = tls.current()
    authority.write_bytes(authorities[1])
    elapsed.seconds += LOOK_SECONDS - 1
    assert tls.current() is before
    elapsed.seconds += 1
    after = tls.current()
    assert trusts(after) == [der(authorities[1])]
    assert trusts(before) == [der(authorities[0])]
    elapsed.seconds += LOOK_SECONDS
    assert tls.current() is after


def test_as_long_as_the_files_stay_so_does_the_context_and_with_it_the_connections(
    authority: Path, elapsed: Elapsed
) -> None:
    tls = ClientTls(str(authority), monotonic=elapsed)
    before = tls.current()
    authority.write_bytes(authority.read_bytes())
    elapsed.seconds += LOOK_SECONDS
    assert tls.current() is before


def test_a_certificate_that_cannot_be_verified_brings_the_look_forward_but_not_each_time(
    authority: Path, authorities: tuple[bytes, bytes], elapsed: Elapsed
) -> None:
    tls = ClientTls(str(authority), monotonic=elapsed)
    before = tls.current()
    authority.write_bytes(authorities[1])
    tls.distrusted()
    elapsed.seconds += DISTRUST_SECONDS - 1
    assert tls.current() is before
    elapsed.seconds += 1
    assert tls.current() is not before


@pytest.mark.parametrize(
    "content", [pytest.param(None, id="is gone"), pytest.param(b"hello", id="is garbage")]
)
def test_the_old_authority_stays_while_the_file(
    authority: Path, authorities: tuple[bytes, bytes], elapsed: Elapsed, content: bytes | None
) -> None:
    tls = ClientTls(str(authority), monotonic=elapsed)
    before = tls.current()
    authority.unlink()
    if content is not None:
        authority.write_bytes(content)
    elapsed.seconds += LOOK_SECONDS
    assert tls.current() is before
    authority.write_bytes(authorities[1])
    elapsed.seconds += LOOK_SECONDS
    assert trusts(tls.current()) == [der(authorities[1])]


def test_a_new_pair_is_taken_whole_and_not_half(tmp_path: Path, elapsed: Elapsed) -> None:
    old, new = (pki.make_pair(tmp_path / name, ["us"]) for name in ("old", "new"))
    tls = ClientTls(None, (str(old[1]), str(old[2])), monotonic=elapsed, verify=False)
    before = tls.current()
    old[1].write_bytes(new[1].read_bytes())
    elapsed.seconds += LOOK_SECONDS
    assert tls.current() is before, "the key to it has not come yet"
    old[2].write_bytes(new[2].read_bytes())
    elapsed.seconds += LOOK_SECONDS
    assert tls.current() is not before


def test_an_issued_pair_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, certificate, key = pki.make_pair(tmp_path / "pki", ["us"])
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    tls = ClientTls(verify=False)
    before = tls.current()
    assert not tls.shows_certificate()
    tls.issued(certificate.read_text(), key.read_text())
    assert tls.shows_certificate()
    shown = tls.current()
    assert shown is not before
    tls.issued(certificate.read_text(), key.read_text())
    assert tls.current() is shown, "the same pair again is nothing new"
    with pytest.raises(CredentialsError):
        tls.issued("certificate", "s3cret")
    assert tls.current() is shown
    assert not list(place.iterdir())


@pytest.mark.parametrize("name", ["authority", "certificate", "key"])
def test_files_that_are_not_there_at_the_start_are_named(tmp_path: Path, name: str) -> None:
    paths = dict(
        zip(("authority", "certificate", "key"), map(str, pki.make_pair(tmp_path, ["us"])), strict=True)
    )
    paths[name] = "/nowhere/file"
    with pytest.raises(CredentialsError, match="/nowhere/file: No such file"):
        ClientTls(paths["authority"], (paths["certificate"], paths["key"]))
