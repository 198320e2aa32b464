"""`nsp certs renew`: a new leaf from a kept CA, for a server that follows its files."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID

from tests.adapters.authority import NOW
from tests.adapters.handshake import handshake
from webhook.adapters import pki, tls
from webhook.adapters.certificate import ServingCertificate
from webhook.adapters.pki import check as certcheck
from webhook.adapters.pki import names as pki_names
from webhook.adapters.pki import pem as pki_pem
from webhook.adapters.pki import renew as pki_renew

HOSTS = ["localhost", "127.0.0.1", "::1", "*.example", "nsp.ns-provisioner.svc"]
Keys = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

NEW_CA = (
    "make a new CA in another folder with `nsp certs make --keep-ca-key`,"
    " and give its ca.crt to whoever trusts the old one (caBundle) before its leaf serves"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.make_kept(tmp_path / "pair", HOSTS)
    return tmp_path / "pair"


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _leaf(folder: Path) -> x509.Certificate:
    return pki_pem.certificates((folder / "tls.crt").read_bytes())[0]


def _key_text(key: PrivateKeyTypes, password: bytes = b"") -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def _put_ca(folder: Path, key: Keys, *, days: tuple[float, float] = (-1, 365), ca: bool = True) -> None:
    """A CA of the user's own, valid from the first to the second of `days`, counted from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ours")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.key").write_bytes(_key_text(key))


def test_the_new_leaf_is_for_the_same_hosts_and_of_the_same_ca(folder: Path) -> None:
    before = _read(folder)
    written = pki_renew.renew(folder)
    after = _read(folder)
    assert written == (folder / "tls.crt", folder / "tls.key")
    assert {name for name in after if after[name] != before[name]} == {"tls.crt", "tls.key"}
    assert pki_names.of(_leaf(folder)) == HOSTS
    assert (folder / "tls.key").stat().st_mode & 0o777 == 0o600
    assert certcheck.key(after["tls.crt"], after["tls.key"]).ok


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "nsp.ns-provisioner.svc"])
def test_who_trusts_the_ca_trusts_the_new_leaf(folder: Path, host: str) -> None:
    client = ssl.create_default_context(cafile=folder / "ca.crt")
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    pki_renew.renew(folder)
    server = tls.server_context(folder / "tls.crt", folder / "tls.key")
    assert handshake(server, client, host) == "TLSv1.3"


def test_a_running_server_takes_it(folder: Path) -> None:
    serving = ServingCertificate(folder / "tls.crt", folder / "tls.key")
    pki_renew.renew(folder, days=30)
    assert serving.reload(NOW + timedelta(minutes=1))
    assert serving.expires == _leaf(folder).not_valid_after_utc


def test_the_hosts_can_be_others(folder: Path) -> None:
    pki_renew.renew(folder, ["other.example", "10.0.0.1"])
    assert pki_names.of(_leaf(folder)) == ["other.example", "10.0.0.1"]


def test_the_ca_can_be_kept_elsewhere(folder: Path, tmp_path: Path) -> None:
    served = tmp_path / "served"
    written = pki_renew.renew(served, ["localhost"], ca_folder=folder)
    assert [path.name for path in written] == ["ca.crt", "tls.crt", "tls.key"]
    assert _read(served)["ca.crt"] == _read(folder)["ca.crt"]
    pki_renew.renew(served, ca_folder=folder)
    assert sorted(_read(served)) == ["ca.crt", "tls.crt", "tls.key"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate,
    ],
    ids=["P-384", "RSA", "Ed25519"],
)
def test_a_ca_of_the_users_own_signs_as_well(folder: Path, make: Callable[[], Keys]) -> None:
    _put_ca(folder, make())
    pki_renew.renew(folder)
    client = ssl.create_default_context(cafile=folder / "ca.crt")
    assert handshake(tls.server_context(folder / "tls.crt", folder / "tls.key"), client, "localhost")


def test_of_several_certificates_of_the_key_the_one_that_lasts_longest_signs(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    texts = []
    for days in ((-400, -1), (-1, 400), (-1, 30)):
        _put_ca(folder, key, days=days)
        texts.append((folder / "ca.crt").read_bytes())
    (folder / "ca.crt").write_bytes(b"".join(texts))
    pki_renew.renew(folder)
    assert certcheck.check(
        (folder / "tls.crt").read_bytes(), ca_bundle_pem=texts[1], hosts=HOSTS[:3], now=NOW, days=80
    )[-1].ok


@pytest.mark.parametrize(("left", "days", "works"), [(91, 90, True), (90, 90, True), (89, 90, False)])
def test_a_leaf_never_outlives_its_ca(folder: Path, left: int, days: int, works: bool) -> None:
    _put_ca(folder, ec.generate_private_key(ec.SECP256R1()), days=(-1, left))
    if works:
        pki_renew.renew(folder, days=days)
        ca = pki_pem.certificates((folder / "ca.crt").read_bytes())[0]
        assert _leaf(folder).not_valid_after_utc <= ca.not_valid_after_utc
    else:
        with pytest.raises(pki.PairError, match=r"before a leaf of 90 days would: ask for --days 88 at most"):
            pki_renew.renew(folder, days=days)


def _short(days: float) -> Callable[[Path], None]:
    return lambda folder: _put_ca(folder, ec.generate_private_key(ec.SECP256R1()), days=(-9, days))


def _foreign_key(folder: Path) -> None:
    (folder / "ca.key").write_bytes(_key_text(ec.generate_private_key(ec.SECP256R1())))


def _no_authority(folder: Path) -> None:
    _put_ca(folder, ec.generate_private_key(ec.SECP256R1()), ca=False)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no ca.key": (
        lambda folder: (folder / "ca.key").unlink(),
        f"there is no {{folder}}/ca.key: the CA's key was thrown away when it was made; {NEW_CA}",
    ),
    "no ca.crt": (
        lambda folder: (folder / "ca.crt").unlink(),
        "{folder}/ca.crt: No such file or directory",
    ),
    "a ca.crt that is none": (
        lambda folder: (folder / "ca.crt").write_text("hello"),
        "{folder}/ca.crt: there is no certificate in PEM form",
    ),
    "a ca.key that is none": (
        lambda folder: (folder / "ca.key").write_text("hello"),
        "{folder}/ca.key: there is no private key in PEM form that can be used",
    ),
    "a ca.key that is a folder": (
        lambda folder: (folder / "ca.key").rename(folder / "gone").with_name("ca.key").mkdir(),
        "{folder}/ca.key: Is a directory",
    ),
    "a ca.key with a pass phrase": (
        lambda folder: (folder / "ca.key").write_bytes(
            _key_text(ec.generate_private_key(ec.SECP256R1()), b"secret")
        ),
        "{folder}/ca.key: the key has a pass phrase; store it without",
    ),
    "a ca.key that cannot sign": (
        lambda folder: (folder / "ca.key").write_bytes(_key_text(x25519.X25519PrivateKey.generate())),
        f"{{folder}}/ca.key is a key that cannot sign: {NEW_CA}",
    ),
    "the key of another CA": (
        _foreign_key,
        "{folder}/ca.crt does not belong to {folder}/ca.key: put the two of one CA there",
    ),
    "a CA that is none": (_no_authority, f"{{folder}}/ca.crt is no certificate authority: {NEW_CA}"),
    "an expired CA": (
        _short(-1),
        f"{{folder}}/ca.crt expired at {NOW - timedelta(days=1):%Y-%m-%d %H:%M:%S} UTC: {NEW_CA}",
    ),
    "a CA of the future": (
        lambda folder: _put_ca(folder, ec.generate_private_key(ec.SECP256R1()), days=(1, 400)),
        f"{{folder}}/ca.crt is valid only from {NOW + timedelta(days=1):%Y-%m-%d %H:%M:%S} UTC:"
        " compare the clocks",
    ),
    "a CA in its last hours": (
        _short(0.5),
        f"{{folder}}/ca.crt expires at {NOW + timedelta(days=0.5):%Y-%m-%d %H:%M:%S} UTC,"
        f" before a leaf of 90 days would: {NEW_CA}",
    ),
    "no tls.crt": (
        lambda folder: (folder / "tls.crt").unlink(),
        "the hosts cannot be taken from {folder}/tls.crt: No such file or directory; name them with --host",
    ),
    "a tls.crt that is none": (
        lambda folder: (folder / "tls.crt").write_text("hello"),
        "the hosts cannot be taken from {folder}/tls.crt: there is no certificate in PEM form;"
        " name them with --host",
    ),
    "a tls.crt for no host": (
        lambda folder: (folder / "tls.crt").write_bytes((folder / "ca.crt").read_bytes()),
        "{folder}/tls.crt is for no host; name them with --host",
    ),
}


@pytest.mark.parametrize(("spoil", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing(folder: Path, spoil: Callable[[Path], object], text: str) -> None:
    spoil(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(pki.PairError) as refused:
        pki_renew.renew(folder)
    assert str(refused.value) == text.format(folder=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
