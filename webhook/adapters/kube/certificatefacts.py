"""The serving certificate of an installation. Its key comes with the Secret, and goes no further."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from webhook.adapters import certcheck
from webhook.adapters.kube import questions
from webhook.adapters.kube.transport import Transport
from webhook.core.diagnosis.model import Finding, Reply
from webhook.core.model import Manifest

SECRET = "ns-provisioner-tls"  # noqa: S105 - a name, no secret

SEEN = Reply({"metadata": {"name": SECRET}})
"""That there is a Secret. What it holds is not passed on."""

SOON_DAYS = 21
"""cert-manager renews a 90-day certificate 30 days before its end: what is nearer to it is overdue."""


async def gather(
    transport: Transport, namespace: str, hooks: Iterable[Manifest], *, now: datetime
) -> tuple[Reply, list[Finding]]:
    """The Secret without its data, and what the certificate in it is like to those who call `hooks`.

    Where none of them has a CA bundle, nothing is said of trust: that it is missing is another finding.
    """
    reply = await questions.get(transport, f"/api/v1/namespaces/{namespace}/secrets/{SECRET}")
    if reply.content is None:
        return reply, []
    certificate = _decoded((reply.content.get("data") or {}).get("tls.crt"))
    configs = [hook["clientConfig"] for hook in hooks]
    bundles = {_decoded(config["caBundle"]) for config in configs if config.get("caBundle")}
    hosts = sorted({host for config in configs if (host := _host(config))})
    if not bundles:
        return SEEN, list(judged(certificate, b"", hosts, now=now))[:-1]
    findings = [
        finding for bundle in sorted(bundles) for finding in judged(certificate, bundle, hosts, now=now)
    ]
    return SEEN, findings


def judged(certificate: bytes, bundle: bytes, hosts: list[str], *, now: datetime) -> Iterator[Finding]:
    """`fail` for what does not work now, `warn` for what will not in a while."""
    today = certcheck.check(certificate, ca_bundle_pem=bundle, hosts=hosts, now=now, days=0)
    soon = certcheck.check(certificate, ca_bundle_pem=bundle, hosts=hosts, now=now, days=SOON_DAYS)
    for works, lasts in zip(today, soon, strict=True):
        if not works.ok:
            yield Finding("certificate", "fail", works.what, works.remedy)
        elif not lasts.ok:
            yield Finding("certificate", "warn", lasts.what, lasts.remedy)
        else:
            yield Finding("certificate", "ok", works.what)


def _host(config: Manifest) -> str:
    """What the API server asks the certificate to be for."""
    if service := config.get("service"):
        return f"{service['name']}.{service['namespace']}.svc"
    return urlsplit(config.get("url", "")).hostname or ""


def _decoded(text: str | None) -> bytes:
    """Empty for what is no base64: whoever reads it then says that there is nothing."""
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return b""
