"""What a certificate says of itself, as people read it. Texts from inside are made printable."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from webhook.adapters.pki import names as pki_names

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True, slots=True)
class Facts:
    """One certificate; `days_left` counts whole days and is below 0 when it has expired."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    authority: bool
    key: str
    begins: datetime
    ends: datetime
    days_left: int
    fingerprint: str
    """SHA-256, as OpenSSL prints it."""


def of(certificate: x509.Certificate, now: datetime) -> Facts:
    return Facts(
        subject=name(certificate.subject),
        issuer=name(certificate.issuer),
        names=tuple(printable(host) for host in pki_names.of(certificate)),
        authority=is_authority(certificate),
        key=key_type(certificate.public_key()),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        days_left=(certificate.not_valid_after_utc - now).days,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign others: marked as a CA, and no key usage says otherwise."""
    extensions = certificate.extensions
    try:
        if not extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as error:
        return error.oid == x509.KeyUsage.oid


def key_type(key: PublicKeyTypes) -> str:
    match key:
        case ec.EllipticCurvePublicKey():
            return f"ECDSA {_CURVES.get(key.curve.name, key.curve.name)}"
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
    return "of another kind"


def name(of_whom: x509.Name) -> str:
    return printable(of_whom.rfc4514_string()) or "(empty)"


def moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
