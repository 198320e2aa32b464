"""Where a serving pair and its CA are read from: a folder, or a Secret of the cluster."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.transport import Transport
from webhook.adapters.pki import check as certcheck
from webhook.adapters.pki import pem as pki_pem
from webhook.adapters.pki.check import Finding
from webhook.adapters.tls import CertificateError

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"

_PUT = {
    CERTIFICATE: "issue a certificate: with cert-manager, or `nsp certs make`",
    KEY: "put the key there that was issued with the certificate",
    AUTHORITY: "put the CA there that signed the certificate",
}

_SECRETS = Resource("Secret", "v1", "secrets")


@dataclass(frozen=True, slots=True)
class Source:
    """What was found under the three names; what is missing has its reason in `missing` instead."""

    where: str
    found: Mapping[str, bytes] = field(repr=False)
    missing: Mapping[str, str]

    def check(self, *, hosts: Sequence[str], now: datetime, days: int) -> list[Finding]:
        """Everything that can be said of the pair and its CA without a client."""
        gaps = [Finding(False, reason, _PUT[name]) for name, reason in self.missing.items()]
        certificate, key = self.found.get(CERTIFICATE), self.found.get(KEY)
        if certificate is None:
            return gaps
        fits = [] if key is None else [certcheck.key(certificate, key)]
        bundle = self.found.get(AUTHORITY)
        return [
            *gaps,
            *fits,
            *certcheck.check(certificate, ca_bundle_pem=bundle, hosts=hosts, now=now, days=days),
        ]


def folder(path: Path) -> Source:
    """Never raises: what cannot be read is missing."""
    found, missing = {}, {}
    for name in (CERTIFICATE, KEY, AUTHORITY):
        try:
            found[name] = pki_pem.read(path / name)
        except CertificateError as error:
            missing[name] = str(error)
    return Source(str(path), found, missing)


async def secret(transport: Transport, namespace: str, name: str) -> Source:
    """Raises ClusterError."""
    where = f"Secret {namespace}/{name}"
    manifest = await transport.get(_SECRETS.path(namespace, name))
    return of_secret(where, manifest.get("data") or {})


def of_secret(where: str, data: Mapping[str, Any]) -> Source:
    """`data` is what the API server shows: base64 under each key."""
    found, missing = {}, {}
    for name in (CERTIFICATE, KEY, AUTHORITY):
        try:
            found[name] = base64.b64decode(data[name], validate=True)
        except KeyError:
            missing[name] = f"{where} has no {name}"
        except (binascii.Error, TypeError, ValueError):
            missing[name] = f"{name} of {where} is not base64"
    return Source(where, found, missing)
