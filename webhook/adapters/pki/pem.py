"""Certificates and keys from PEM text: everything is read before anything is judged."""

import warnings
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.utils import CryptographyDeprecationWarning

from webhook.adapters.tls import CertificateError

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates with something odd inside."""


def read(path: Path) -> bytes:
    """Raises CertificateError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from error


def certificates(pem: bytes) -> list[x509.Certificate]:
    """Every certificate of a chain or bundle, in its order; at least one. Raises CertificateError.

    One with an extension or key that cannot be read is refused here, as clients refuse it.
    """
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise CertificateError("there is no certificate in PEM form")
    try:
        return _parsed(pem)
    except _UNREADABLE as error:
        raise CertificateError("a certificate in it is damaged, or of a kind that nobody can use") from error


def _parsed(pem: bytes) -> list[x509.Certificate]:
    """With all that is read only when it is asked for."""
    with warnings.catch_warnings():  # about the serial number 0, which API servers take
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        found = x509.load_pem_x509_certificates(pem)
        for each in found:
            _ = each.extensions, each.subject, each.issuer, each.public_key()
            if each.serial_number < 0:
                raise ValueError("the serial number is below 0")
    return found


def private_key(pem: bytes) -> PrivateKeyTypes:
    """The texts of its CertificateError never hold anything of the key."""
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise CertificateError("the key has a pass phrase; store it without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError("there is no private key in PEM form that can be used") from None


def same_key(one: PublicKeyTypes, other: PublicKeyTypes) -> bool:
    return _encoded(one) == _encoded(other)


def _encoded(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
