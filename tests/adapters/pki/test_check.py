"""What is found out about a serving certificate, in the words that people read."""

import base64
import contextlib
import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.x509.oid import NameOID
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from tests.adapters.authority import CLIENT, NOW, SERVER, Issued
from tests.adapters.handshake import handshake
from webhook.adapters import tls
from webhook.adapters.pki import check as certcheck
from webhook.adapters.pki.check import Finding

ROOT = Issued.root()
FOREIGN = Issued.root()
"""Of the same name as ROOT, with another key."""

SOON = timedelta(days=30)
LEAF = f"valid until {NOW + SOON:%Y-%m-%d %H:%M:%S} UTC, 30 days left"
NO_PEM = "give the PEM text, which begins with -----BEGIN CERTIFICATE-----"
ISSUE = "let cert-manager issue one (`cmctl renew`), put a new one into the Secret, or use `nsp certs renew`"
NAME = "add the host to the Certificate's dnsNames, or issue one with `nsp certs renew --host HOST`"
BUNDLE = "put the CA that signed it into the bundle, or issue one from a CA of the bundle"
NEW_CA = "make a new CA, and keep the old one beside it in the bundle until every leaf is of the new one"


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def chain(issued: Issued) -> bytes:
    return pem(issued.certificate, *issued.above[:-1])


def key_text(key: PrivateKeyTypes, password: bytes = b"") -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def given(key: CertificatePublicKeyTypes, *names: x509.GeneralName) -> x509.Certificate:
    """A leaf of ROOT with any key and any names, as users bring them."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "given")]))
        .issuer_name(ROOT.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + SOON)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(ROOT.key, hashes.SHA256())


def found(certificate: bytes, bundle: bytes | None, *hosts: str, days: int = 14) -> list[Finding]:
    return certcheck.check(certificate, ca_bundle_pem=bundle, hosts=hosts, now=NOW, days=days)


def wrong(certificate: bytes, bundle: bytes | None, *hosts: str, days: int = 14) -> list[tuple[str, str]]:
    return [(each.what, each.remedy) for each in found(certificate, bundle, *hosts, days=days) if not each.ok]


def test_a_good_one() -> None:
    assert found(chain(ROOT.issue("leaf")), chain(ROOT), "localhost") == [
        Finding(True, LEAF),
        Finding(True, "it is for localhost"),
        Finding(True, "signed by CN=root of the CA bundle"),
    ]


def test_without_a_bundle_nobodys_trust_is_looked_at() -> None:
    assert found(chain(ROOT.issue("leaf")), None) == [Finding(True, LEAF)]


class Case(NamedTuple):
    certificate: bytes
    bundle: bytes
    what: str
    remedy: str
    days: int = 14


def _moment(days: float) -> str:
    return f"{NOW + timedelta(days=days):%Y-%m-%d %H:%M:%S} UTC"


_MIDDLE = ROOT.issue("middle", ca=True)
_OLD = ROOT.issue("old", ca=True, days=(-9, -8))
_CLIENTS = ROOT.issue("clients", ca=True, uses=[CLIENT])
_SHORT = ROOT.issue("short", ca=True, days=(-9, 3))
_DAMAGED = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

WRONG = {
    "expired": Case(
        chain(ROOT.issue("leaf", days=(-9, -1))), chain(ROOT), f"it expired at {_moment(-1)}", ISSUE
    ),
    "not valid yet": Case(
        chain(ROOT.issue("leaf", days=(1, 9))),
        chain(ROOT),
        f"it is valid only from {_moment(1)}",
        "compare the clocks, or wait",
    ),
    "valid for less than asked for": Case(
        chain(ROOT.issue("leaf", days=(-9, 13))),
        chain(ROOT),
        f"valid until {_moment(13)}, 13 days left, and 14 are asked for",
        ISSUE,
    ),
    "an authority that lasts less than asked for": Case(
        chain(_SHORT.issue("leaf")),
        pem(_SHORT.certificate),
        f"signed by CN=short, which lasts only until {_moment(3)}",
        NEW_CA,
    ),
    "a foreign CA of another name": Case(
        chain(Issued.root("other").issue("leaf")),
        chain(ROOT),
        "the CA bundle does not vouch for it: its issuer CN=other is not in the bundle",
        BUNDLE,
    ),
    "a foreign CA of the same name": Case(
        chain(FOREIGN.issue("leaf")),
        chain(ROOT),
        "the CA bundle does not vouch for it:"
        " it is not signed by the key of CN=root, only by one of that name",
        BUNDLE,
    ),
    "a chain with its middle missing": Case(
        pem(_MIDDLE.issue("leaf").certificate),
        chain(ROOT),
        "the CA bundle does not vouch for it: its issuer CN=middle is not in the bundle",
        BUNDLE,
    ),
    "an expired authority": Case(
        chain(_OLD.issue("leaf")),
        chain(ROOT),
        f"the CA bundle does not vouch for it: CN=old is valid from {_moment(-9)} to {_moment(-8)}, not now",
        BUNDLE,
    ),
    "an authority that is none": Case(
        chain(ROOT.issue("middle").issue("leaf")),
        chain(ROOT),
        "the CA bundle does not vouch for it: CN=middle is no certificate authority",
        BUNDLE,
    ),
    "an authority for clients": Case(
        chain(_CLIENTS.issue("leaf")),
        chain(ROOT),
        "the CA bundle does not vouch for it: CN=clients is not for servers (extended key usage serverAuth)",
        BUNDLE,
    ),
    "a leaf for clients": Case(
        chain(ROOT.issue("leaf", uses=[CLIENT])),
        chain(ROOT),
        "the CA bundle does not vouch for it: CN=leaf is not for servers (extended key usage serverAuth)",
        BUNDLE,
    ),
    "no host at all": Case(
        chain(ROOT.issue("leaf", hosts=())),
        chain(ROOT),
        "it names no host; clients do not look at the common name",
        NAME,
    ),
    "no PEM": Case(
        b"hello", chain(ROOT), "the certificate cannot be read: there is no certificate in PEM form", NO_PEM
    ),
    "damaged": Case(
        _DAMAGED,
        chain(ROOT),
        "the certificate cannot be read: a certificate in it is damaged, or of a kind that nobody can use",
        NO_PEM,
    ),
    "a bundle that is empty": Case(
        chain(ROOT.issue("leaf")),
        b"",
        "the CA bundle cannot be read: there is no certificate in PEM form",
        NO_PEM,
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_once_with_the_way_out(case: Case) -> None:
    assert wrong(case.certificate, case.bundle, days=case.days) == [(case.what, case.remedy)]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    bad = chain(FOREIGN.issue("leaf", days=(-9, -1)))
    assert [text.split()[:3] for text, _ in wrong(bad, chain(ROOT), "a", "localhost", "b")] == [
        ["it", "expired", "at"],
        ["it", "is", "not"],
        ["it", "is", "not"],
        ["the", "CA", "bundle"],
    ]


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["RSA", "P-384", "Ed25519"],
)
def test_a_certificate_that_a_user_brings(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    leaf = pem(given(key.public_key(), x509.DNSName("localhost")))
    assert wrong(leaf, chain(ROOT), "localhost") == []
    assert certcheck.key(leaf, key_text(key)).ok


NAMES: dict[str, tuple[str, str, bool]] = {
    "the same name": ("a.example", "a.example", True),
    "in capitals": ("A.Example", "a.eXAMPLE", True),
    "with a dot behind": ("a.example", "a.example.", True),
    "a longer one": ("a.example", "b.a.example", False),
    "a shorter one": ("a.example", "example", False),
    "a wildcard for one label": ("*.example", "a.example", True),
    "and not for two": ("*.example", "b.a.example", False),
    "and not for none": ("*.example", "example", False),
    "and not within a label": ("a*.example", "ab.example", False),
    "and not further right": ("a.*.example", "a.b.example", False),
    "an address that is a DNS name": ("127.0.0.1", "127.0.0.1", False),
    "an empty label": ("*.example", ".example", False),
    "nothing": ("a.example", "", False),
}


@pytest.mark.parametrize(("name", "host", "covered"), NAMES.values(), ids=NAMES)
def test_which_names_are_covered(name: str, host: str, covered: bool) -> None:
    leaf = pem(given(ROOT.certificate.public_key(), x509.DNSName(name)))
    texts = [] if covered else [(f"it is not for {host}, only for {name}", NAME)]
    assert wrong(leaf, chain(ROOT), host) == texts


@pytest.mark.parametrize(
    ("host", "covered"),
    [("10.0.0.1", True), ("10.0.0.2", False), ("::1", True), ("0:0:0:0:0:0:0:1", True), ("::2", False)],
)
def test_which_addresses_are_covered(host: str, covered: bool) -> None:
    addresses = [x509.IPAddress(ip_address(each)) for each in ("10.0.0.1", "::1")]
    leaf = pem(given(ROOT.certificate.public_key(), *addresses))
    texts = [] if covered else [(f"it is not for {host}, only for 10.0.0.1, ::1", NAME)]
    assert wrong(leaf, chain(ROOT), host) == texts


def test_a_text_inside_a_certificate_does_not_reach_the_terminal_as_it_is() -> None:
    leaf = pem(given(ROOT.certificate.public_key(), x509.DNSName("a\x1b[2J.example")))
    assert wrong(leaf, chain(ROOT), "b")[0][0] == "it is not for b, only for a?[2J.example"


def _rotated() -> tuple[Issued, x509.Certificate]:
    """A leaf, and the CA's certificate that follows the one that signed it, of the same key."""
    old = ROOT.issue("renewed", ca=True, days=(-300, 3))
    new = (
        x509.CertificateBuilder()
        .subject_name(old.certificate.subject)
        .issuer_name(old.certificate.subject)
        .public_key(old.certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(old.key, hashes.SHA256())
    )
    return old.issue("leaf"), new


def test_a_ca_renewed_with_its_key_vouches_for_the_leaves_of_before() -> None:
    leaf, new = _rotated()
    assert wrong(pem(leaf.certificate), pem(new)) == []


def test_of_several_certificates_in_a_bundle_the_one_that_lasts_longest_counts() -> None:
    leaf, new = _rotated()
    old = leaf.above[0]
    for bundle in (pem(old, new), pem(new, old), pem(FOREIGN.certificate, old, new)):
        assert wrong(pem(leaf.certificate), bundle) == []
    assert len(wrong(pem(leaf.certificate), pem(old))) == 1


KEYS = {
    "another key": (
        key_text(FOREIGN.key),
        "the key belongs to another certificate",
        "store the pair that was issued together; the leaf stands first in its chain",
    ),
    "no key": (
        b"hello",
        "certificate and key cannot be compared: there is no private key in PEM form that can be used",
        "give both in PEM form",
    ),
    "a key with a pass phrase": (
        key_text(FOREIGN.key, b"secret"),
        "certificate and key cannot be compared: the key has a pass phrase; store it without",
        "give both in PEM form",
    ),
}


@pytest.mark.parametrize(("key", "what", "remedy"), KEYS.values(), ids=KEYS)
def test_a_key_that_is_not_the_certificates(key: bytes, what: str, remedy: str) -> None:
    assert certcheck.key(chain(ROOT.issue("leaf")), key) == Finding(False, what, remedy)


def test_the_key_of_the_leaf_counts_and_not_that_of_its_issuer() -> None:
    leaf = _MIDDLE.issue("leaf")
    assert certcheck.key(chain(leaf), key_text(leaf.key)).ok
    assert not certcheck.key(chain(leaf), key_text(_MIDDLE.key)).ok


def _kinds() -> dict[str, tuple[Issued, bytes]]:
    """Leaves with the bundle of who dials: some good, some not; OpenSSL knows which.

    Only of two authorities of one name OpenSSL tries just the first, unlike the API server.
    """
    rsa_root = Issued.root("rsa", kind="RSA")
    deep = rsa_root.issue("one", ca=True).issue("two", ca=True, kind="RSA")
    loop = Issued.root("leaf", ca=False)
    return {
        "below a root": (ROOT.issue("leaf"), chain(ROOT)),
        "below an RSA root": (rsa_root.issue("leaf"), chain(rsa_root)),
        "below two authorities": (deep.issue("leaf", kind="RSA"), chain(rsa_root)),
        "for servers": (_MIDDLE.issue("leaf", uses=[SERVER]), chain(ROOT)),
        "for clients": (_MIDDLE.issue("leaf", uses=[CLIENT]), chain(ROOT)),
        "signed by itself, and trusted": (loop, chain(loop)),
        "signed by itself, and not trusted": (loop, chain(ROOT)),
        "below a foreign root": (FOREIGN.issue("leaf"), chain(ROOT)),
        "a bundle with the foreign root behind": (ROOT.issue("leaf"), chain(ROOT) + chain(FOREIGN)),
        "below an expired authority": (_OLD.issue("leaf"), chain(ROOT)),
        "below one that is no authority": (ROOT.issue("x").issue("leaf"), chain(ROOT)),
        "an authority between in the bundle": (_MIDDLE.issue("leaf"), pem(_MIDDLE.certificate)),
        "expired": (ROOT.issue("leaf", days=(-9, -1)), chain(ROOT)),
        "of the future": (ROOT.issue("leaf", days=(1, 9)), chain(ROOT)),
    }


def _handshakes(leaf: Issued, bundle: bytes, folder: Path, host: str) -> bool:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # any certificate of the bundle ends the way
    client.load_verify_locations(cadata=bundle.decode())
    with contextlib.suppress(ssl.SSLCertVerificationError):
        return handshake(tls.server_context(*leaf.write(folder)), client, host) is not None
    return False


@pytest.mark.parametrize("host", ["localhost", "other"])
@pytest.mark.parametrize(("leaf", "bundle"), _kinds().values(), ids=_kinds())
def test_the_verdict_is_that_of_a_handshake(leaf: Issued, bundle: bytes, host: str, tmp_path: Path) -> None:
    findings = found(chain(leaf), bundle, host, days=0)
    assert all(each.ok for each in findings) == _handshakes(leaf, bundle, tmp_path, host)


_DERS = [each.public_bytes(serialization.Encoding.DER) for each in (_MIDDLE.certificate, ROOT.certificate)]
_DERS.append(ROOT.issue("leaf", uses=[SERVER]).certificate.public_bytes(serialization.Encoding.DER))


def _spoiled(content: bytes, changes: dict[int, int], label: bytes) -> bytes:
    for place, byte in changes.items():
        place %= len(content)
        content = content[:place] + bytes([byte]) + content[place + 1 :]
    body = base64.encodebytes(content)
    return b"-----BEGIN " + label + b"-----\n" + body + b"-----END " + label + b"-----\n"


_CHANGES = st.dictionaries(st.integers(0, 5000), st.integers(0, 255), min_size=1, max_size=4)


@settings(deadline=None, max_examples=400)
@given_any(st.sampled_from(_DERS), _CHANGES)
def test_a_spoiled_certificate_never_ends_in_an_error(der: bytes, changes: dict[int, int]) -> None:
    text = _spoiled(der, changes, b"CERTIFICATE")
    for certificate, bundle in ((text, chain(ROOT)), (chain(ROOT.issue("leaf")), text), (text, text)):
        assert all(each.ok or each.remedy for each in found(certificate, bundle, "localhost"))


ODD = {
    "a version that there is not": (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),
    "a serial number below 0": (b"\x02\x01\x05", b"\x02\x01\xff"),
}


@pytest.mark.parametrize(("before", "after"), ODD.values(), ids=ODD)
def test_an_odd_certificate_is_told_as_such(before: bytes, after: bytes) -> None:
    der = _numbered(5).public_bytes(serialization.Encoding.DER)
    assert der.count(before) >= 1
    text = _spoiled(der.replace(before, after, 1), {len(der) - 1: 0}, b"CERTIFICATE")
    assert wrong(text, None) == [(WRONG["damaged"].what, NO_PEM)]


def _numbered(serial: int) -> x509.Certificate:
    return (
        x509.CertificateBuilder(serial_number=serial)
        .subject_name(ROOT.certificate.subject)
        .issuer_name(ROOT.certificate.subject)
        .public_key(ROOT.key.public_key())
        .not_valid_before(NOW)
        .not_valid_after(NOW + SOON)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ROOT.key, hashes.SHA256())
    )


def test_the_serial_number_0_of_home_made_authorities_is_no_trouble() -> None:
    der = _numbered(5).public_bytes(serialization.Encoding.DER)
    zero = der.replace(b"\x02\x01\x05", b"\x02\x01\x00", 1)
    text = _spoiled(zero, {0: zero[0]}, b"CERTIFICATE")
    assert wrong(text, None, "localhost") == []
