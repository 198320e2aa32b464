"""Makes a certificate authority and a serving certificate for places without cert-manager."""

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhook.core.errors import NsProvisionerError

CA_DAYS = 3650
LEAF_DAYS = 90
"""The leaf lives as long as one that cert-manager issues by default; making a new one is one command."""

_CLOCK_SKEW = timedelta(minutes=5)
_DNS_LABEL = r"[a-zA-Z0-9_]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS_NAME = re.compile(rf"(\*\.)?({_DNS_LABEL}\.){{0,32}}{_DNS_LABEL}", re.ASCII)


class PairError(NsProvisionerError):
    """The pair cannot be written; the text says where and why."""


def make_pair(folder: Path, hosts: Sequence[str]) -> tuple[Path, Path, Path]:
    """Make a CA and a leaf for `hosts` (DNS names or IP addresses), ECDSA P-256, into `folder`.

    Returns the paths of ca.crt, tls.crt and tls.key; the CA's own key is thrown away, so nothing
    else can ever be signed with it. Raises PairError.
    """
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    now = datetime.now(UTC) - _CLOCK_SKEW
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("ns-provisioner development CA")
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    leaf = (
        _builder(_name(hosts[0]), ca_name, leaf_key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths = folder / "ca.crt", folder / "tls.crt", folder / "tls.key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        contents = (ca.public_bytes(pem), 0o644), (leaf.public_bytes(pem), 0o644), (key, 0o600)
        _write_all(dict(zip(paths, contents, strict=True)))
    except OSError as error:
        raise PairError(f"cannot write to {folder}: {error.strerror}") from error
    return paths


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _DNS_NAME.fullmatch(host):
        raise PairError(f"{host!r} is neither a DNS name in ASCII nor an IP address")
    return x509.DNSName(host)


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


def _write_all(files: Mapping[Path, tuple[bytes, int]]) -> None:
    """Write files with their modes: all of them or none, and a reader never sees half of one."""
    drafts = {path: path.with_suffix(path.suffix + ".new") for path in files}
    try:
        for path, (content, mode) in files.items():
            _draft(drafts[path], content, mode)
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _draft(draft: Path, content: bytes, mode: int) -> None:
    draft.unlink(missing_ok=True)  # a left-over would keep its own mode
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
