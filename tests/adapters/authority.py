"""Certificates of every kind, for tests: authorities, leaves, chains, with any key, use and time."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and those above it, nearest first."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def issue(
        self,
        name: str,
        *,
        kind: str = "EC",
        ca: bool = False,
        uses: Sequence[x509.ObjectIdentifier] = (),
        hosts: Sequence[str] = ("localhost",),
        days: tuple[float, float] = (-1, 30),
    ) -> "Issued":
        """Sign a new one; it is valid from the first to the second of `days`, counted from now."""
        key = new_key(kind)
        certificate = _certificate(name, key, self.certificate.subject, self.key, ca, uses, hosts, days)
        return Issued(certificate, key, (self.certificate, *self.above))

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Chain and key as PEM files, in a place of their own below `folder`."""
        place = folder / str(next(_numbers))
        place.mkdir(parents=True)
        chain = (self.certificate, *self.above[:-1])  # the root is the client's to have
        pem = serialization.Encoding.PEM
        key = self.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (place / "tls.crt").write_bytes(b"".join(each.public_bytes(pem) for each in chain))
        (place / "tls.key").write_bytes(key)
        return place / "tls.crt", place / "tls.key"

    @classmethod
    def root(cls, name: str = "root", *, kind: str = "EC", ca: bool = True) -> Self:
        """One that signed itself."""
        key = new_key(kind)
        subject = _name(name)
        return cls(_certificate(name, key, subject, key, ca, (), ("localhost",), (-1, 30)), key)


def new_key(kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    ca: bool,
    uses: Sequence[x509.ObjectIdentifier],
    hosts: Sequence[str],
    days: tuple[float, float],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
