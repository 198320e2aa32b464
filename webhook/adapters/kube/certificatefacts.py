"""The serving certificate of an installation. Its key comes with the Secret, and goes no further."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import datetime

from webhook.adapters.kube import questions
from webhook.adapters.kube.transport import Transport
from webhook.adapters.pki import check as certcheck
from webhook.adapters.pki import hooks as certhooks
from webhook.core.diagnosis.model import Finding, Reply
from webhook.core.model import Manifest

SEEN = Reply({"kind": "Secret"})
"""That there is a Secret. What it holds is not passed on."""

SOON_DAYS = 21
"""cert-manager renews a 90-day certificate 30 days before its end: what is nearer to it is overdue."""


async def gather(
    transport: Transport, path: str, hooks: Iterable[Manifest], *, now: datetime
) -> tuple[Reply, list[Finding]]:
    """The Secret at `path` without its data, and what its certificate is like to those who call `hooks`.

    Where none of them has a CA bundle, nothing is said of trust: that it is missing is another finding.
    """
    reply = await questions.get(transport, path)
    if reply.content is None:
        return reply, []
    certificate = _decoded((reply.content.get("data") or {}).get("tls.crt"))
    configs = [hook["clientConfig"] for hook in hooks]
    bundles = {_decoded(config["caBundle"]) for config in configs if config.get("caBundle")}
    hosts = sorted({host for config in configs if (host := certhooks.host(config))})
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


def _decoded(text: str | None) -> bytes:
    """Empty for what is no base64: whoever reads it then says that there is nothing."""
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return b""
