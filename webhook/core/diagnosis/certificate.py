"""The serving certificate, held against what the API server trusts."""

from collections.abc import Iterator

from webhook.core.diagnosis.model import Facts, Finding, unseen


def judge(facts: Facts) -> Iterator[Finding]:
    where = f"Secret {facts.namespace}/{facts.serving_secret()}"
    yield from unseen("certificate", where, facts.secret)
    if facts.secret.missing and facts.is_remote():
        what = f"{where} is not there, so the certificate in use was not looked at"
        yield Finding("certificate", "warn", what, "nsp certs check tells of one in a file")
    elif facts.secret.missing:
        remedy = (
            "with cert-manager: kubectl describe certificate -n "
            f"{facts.namespace} ns-provisioner-admission; without: put one there"
        )
        yield Finding("certificate", "fail", f"{where} is not there", remedy)
    yield from facts.certificate
