"""Whether the live webhook configurations trust a serving certificate, and by the name they dial."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from webhook.adapters.kube.resources import Resource
from webhook.adapters.kube.transport import Transport
from webhook.adapters.pki import check as certcheck
from webhook.adapters.pki import pem as pki_pem
from webhook.adapters.pki.check import Finding
from webhook.adapters.tls import CertificateError
from webhook.core import labels
from webhook.core.errors import NotFoundError
from webhook.core.model import Manifest

_API_VERSION = "admissionregistration.k8s.io/v1"
_RESOURCES = (
    Resource("MutatingWebhookConfiguration", _API_VERSION, "mutatingwebhookconfigurations"),
    Resource("ValidatingWebhookConfiguration", _API_VERSION, "validatingwebhookconfigurations"),
)
_INSTALL = "install the chart, or apply the output of `nsp webhooks`"
_INJECT = (
    "look whether cert-manager's CA injector runs and the annotation cert-manager.io/inject-ca-from names"
    " the Certificate, or set caBundle to the CA's PEM text in base64"
)


async def load(transport: Transport) -> dict[str, Manifest | None]:
    """Both configurations by kind, None for one that is not there. Raises ClusterError."""
    return {each.kind: await _get(transport, each) for each in _RESOURCES}


def check(
    certificate_pem: bytes, configurations: Mapping[str, Manifest | None], *, now: datetime, days: int
) -> list[Finding]:
    """For each webhook: its caBundle vouches for the certificate, which is for the host that it dials."""
    try:
        chain = pki_pem.certificates(certificate_pem)
    except CertificateError as error:
        return [Finding(False, f"the certificate cannot be read: {error}", certcheck.GIVE_PEM)]
    return [
        finding
        for kind, manifest in configurations.items()
        for finding in _configuration(kind, manifest, chain, now, days)
    ]


def host(client_config: Mapping[str, Any]) -> str:
    """The name under which the API server wants to see the certificate: the Service's, or the URL's."""
    service = client_config.get("service")
    if service:
        return f"{service['name']}.{service['namespace']}.svc"
    return urlsplit(client_config.get("url", "")).hostname or ""


def _configuration(
    kind: str, manifest: Manifest | None, chain: Sequence[x509.Certificate], now: datetime, days: int
) -> Iterator[Finding]:
    if manifest is None or not manifest.get("webhooks"):
        absent = "is not there" if manifest is None else "has no webhooks"
        yield Finding(False, f"{kind} {labels.MANAGER} {absent}", _INSTALL)
        return
    for webhook in manifest["webhooks"]:
        config = webhook["clientConfig"]
        found = [_trust(config, chain, now, days), *certcheck.names(chain[0], [host(config)])]
        yield from (Finding(each.ok, f"{webhook['name']}: {each.what}", each.remedy) for each in found)


def _trust(config: Mapping[str, Any], chain: Sequence[x509.Certificate], now: datetime, days: int) -> Finding:
    try:
        bundle = base64.b64decode(config.get("caBundle") or "", validate=True)
    except (binascii.Error, ValueError):
        return Finding(False, "its caBundle is not base64", _INJECT)
    if not bundle:
        return Finding(False, "it has no caBundle: only public authorities are trusted", _INJECT)
    return certcheck.trust(chain, bundle, now=now, days=days)


async def _get(transport: Transport, resource: Resource) -> Manifest | None:
    try:
        return await transport.get(resource.path("", labels.MANAGER))
    except NotFoundError:
        return None
