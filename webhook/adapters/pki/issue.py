"""Issues certificate authorities and serving certificates; nothing is read or written here."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhook.core.errors import NsProvisionerError

CA_DAYS = 3650
LEAF_DAYS = 90
"""The leaf lives as long as one that cert-manager issues by default; making a new one is one command."""

_CLOCK_SKEW = timedelta(minutes=5)
"""Certificates begin that much in the past, for clients whose clocks are behind."""

Signer = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
"""Keys that a CA may have; ours have P-256 always."""

_DNS_LABEL = r"[a-zA-Z0-9_]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS_NAME = re.compile(rf"(\*\.)?({_DNS_LABEL}\.){{0,32}}{_DNS_LABEL}", re.ASCII)


class PairError(NsProvisionerError):
    """The pair cannot be written; the text says where and why."""


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A CA with its key, which no repr shows."""

    certificate: x509.Certificate
    key: Signer


def authority(key: ec.EllipticCurvePrivateKey, begins: datetime) -> Authority:
    """A CA that signs leaves and no further authorities, for CA_DAYS."""
    name = _name("ns-provisioner development CA")
    certificate = (
        _builder(name, name, key.public_key(), begins, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def leaf(
    key: ec.EllipticCurvePublicKey,
    names: Sequence[x509.GeneralName],
    by: Authority,
    begins: datetime,
    days: int,
) -> x509.Certificate:
    """A serving certificate for `names`, at least one; the first is its common name, too.

    Raises PairError for one that would outlive its CA.
    """
    if begins + timedelta(days=days) > by.certificate.not_valid_after_utc:
        raise PairError(f"a certificate of {days} days would outlive its CA: make it shorter")
    builder = (
        _builder(_name(str(names[0].value)), by.certificate.subject, key, begins, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_issuer_key(by.certificate), critical=False)
    )
    hashless = isinstance(by.key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(by.key, None if hashless else hashes.SHA256())


def beginning(now: datetime) -> datetime:
    """When what is issued now begins; certificates know full seconds only."""
    return (now - _CLOCK_SKEW).replace(microsecond=0)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def general_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    """DNS names or IP addresses as a certificate names them. Raises PairError."""
    return [_general_name(host) for host in hosts]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _DNS_NAME.fullmatch(host):
        raise PairError(f"{host!r} is neither a DNS name in ASCII nor an IP address")
    return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The CA's own identifier of its key where it has one: clients compare the two."""
    try:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
