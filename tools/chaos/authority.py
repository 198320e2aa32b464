"""A certificate authority that stays, and serving pairs of it, good and bad in every way that matters."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ADDRESS = "127.0.0.1"
_DAY = timedelta(days=1)
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """What goes into tls.crt and tls.key; `der` is the certificate as a client sees it."""

    certificate: bytes
    key: bytes
    der: bytes


class Authority:
    """Signs a new certificate for every pair. RSA keys take turns, since making one takes so long."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        rsa_keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
        self._rsa_keys = itertools.cycle(rsa_keys)
        self._now = datetime.now(UTC)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "campaign CA")])
        builder = self._builder(self._name, self._key, self._now - _DAY, self._now + _DAY)
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self.pem = self._signed(builder.add_extension(basic, critical=True)).public_bytes(_PEM)

    def pair(self, algorithm: str, *, expired: bool = False) -> Pair:
        """Never the key of the pair before; `algorithm` is ECDSA or RSA."""
        key: _Key = next(self._rsa_keys) if algorithm == "RSA" else ec.generate_private_key(ec.SECP256R1())
        end = self._now - timedelta(minutes=5) if expired else self._now + _DAY
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"admission {algorithm}")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))])
        builder = self._builder(subject, key, self._now - _DAY, end).add_extension(names, critical=False)
        certificate = self._signed(builder)
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Pair(certificate.public_bytes(_PEM), private, certificate.public_bytes(_DER))

    def _builder(
        self, subject: x509.Name, key: _Key, begin: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._key, hashes.SHA256())


_PEM = serialization.Encoding.PEM
_DER = serialization.Encoding.DER
