"""Two creations as dry runs: the way from the API server to a process of ours and back, as it is used."""

import re
from collections.abc import Iterator

from webhook.core import labels
from webhook.core.checks.common import mended
from webhook.core.diagnosis.model import Facts, Finding, Probe, Reply
from webhook.core.model import Manifest
from webhook.core.policy import Policy

_FAILED = re.compile(r'failed calling webhook "([^"]+)": (?:failed to call webhook: )?(.*)', re.DOTALL)
_ADDRESS = re.compile(r'^\w+ "[^"]*": ')
_GUARDED = re.compile(r"ValidatingAdmissionPolicy '([^']+)'")
_DENIED = re.compile(r'admission webhook "([^"]+)" denied the request')

VALIDATE = "validate.ns-provisioner.io"

REASONS = (
    (
        "signed by unknown authority",
        "its CA bundle does not vouch for the certificate",
        "put the CA that signed the certificate into caBundle; with cert-manager look at its CA injector",
    ),
    (
        "certificate has expired or is not yet valid",
        "the certificate is out of date",
        "issue a new one (cmctl renew, nsp certs renew), and compare the clocks",
    ),
    (
        "x509: ",
        "the certificate is for another host, or cannot be used",
        "issue one for the host that is called: nsp certs check tells what is wrong with it",
    ),
    (
        "no endpoints available",
        "its Service has no pod that is ready",
        "kubectl get pods -l app.kubernetes.io/component=admission, and see why they are not ready",
    ),
    ("not found", "its Service is not there", "install the chart again, or mend clientConfig.service"),
    (
        "could not find the requested resource",
        "what listens there has nothing at this path",
        "mend the path in clientConfig; it may be another service that listens there",
    ),
    ("no such host", "the name of its host is not known", "mend clientConfig, or the API server's DNS"),
    (
        "connection refused",
        "nothing listens there",
        "see whether the pods run, and whether the Service leads to their port 8443",
    ),
    (
        "deadline exceeded",
        "it does not answer in time",
        "let the API server through to port 8443: NetworkPolicy, firewall of the nodes, security groups",
    ),
    (
        "i/o timeout",
        "it does not answer in time",
        "let the API server through to port 8443: NetworkPolicy, firewall of the nodes, security groups",
    ),
    (
        "HTTP response to HTTPS client",
        "what listens there does not speak TLS",
        "lead the Service to port 8443, not to the side port",
    ),
)
"""What an API server says when it cannot call a webhook, what that means, and the way out."""


def refusal(policy: Policy) -> Probe | None:
    """A creation that has to be refused; None under a catalogue that enforces neither of two rules."""
    if name := _reserved(policy):
        return Probe(_namespace(name, {labels.TIER: policy.default_tier}), "reserved-name")
    if _enforced(policy, "tier-exists"):
        return Probe(_namespace(mended("nspdoctor", policy), {labels.TIER: "nsp-doctor"}), "tier-exists")
    return None


def acceptance(policy: Policy, suffix: str) -> Probe:
    """A creation with which nothing is wrong; `suffix` makes its name one that nobody has."""
    return Probe(_namespace(mended(f"nspdoctor{suffix}", policy), {labels.TIER: policy.default_tier}))


def _reserved(policy: Policy) -> str:
    if not _enforced(policy, "reserved-name"):
        return ""
    names = [f"{prefix}nsp-doctor" for prefix in policy.reserved_prefixes] + sorted(policy.reserved_names)
    return next((name for name in names if name not in policy.exempt_names), "")


def _enforced(policy: Policy, rule: str) -> bool:
    return policy.modes.get(rule, "enforce") == "enforce"


def _namespace(name: str, given: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": given}}


def judge(facts: Facts) -> Iterator[Finding]:
    if facts.refused is not None:
        yield _refused(*facts.refused)
    elif facts.policy is not None:
        what = "validation was not tried: the catalogue enforces neither reserved-name nor tier-exists"
        yield Finding("calls", "warn", what, "nsp simulate decides without a cluster")
    if facts.accepted is not None:
        yield from _accepted(*facts.accepted)


def _refused(probe: Probe, reply: Reply) -> Finding:
    name = probe.manifest["metadata"]["name"]
    if reply.content is not None:
        what = f"{VALIDATE} is not called, or may fail: a namespace {name} would have been created"
        return Finding("calls", "fail", what, "see what is said of the webhooks above; then run nsp audit")
    if trouble := _trouble(reply):
        return trouble
    by = _DENIED.search(reply.text)
    if by is None or by[1] != VALIDATE:
        return _other(reply, "validation")
    if f"[{probe.rule}]" in reply.text:
        return Finding("calls", "ok", f"{VALIDATE} is called, and refuses {name} by [{probe.rule}]")
    what = f"{VALIDATE} refuses {name}, but not by [{probe.rule}]: {reply.text}"
    return Finding("calls", "warn", what, "its catalogue may be another one than the one looked at here")


def _accepted(probe: Probe, reply: Reply) -> Iterator[Finding]:
    """Where validation asks for something else, what mutation adds was there all the same."""
    name = probe.manifest["metadata"]["name"]
    by = _DENIED.search(reply.text)
    if reply.content is not None:
        found = (reply.content["metadata"].get("labels") or {}).get(labels.MANAGED_BY)
        mutated = found == labels.MANAGER
    elif by is not None and by[1] == VALIDATE:
        mutated = "[managed-labels-complete]" not in reply.text
    else:
        if not _FAILED.search(reply.text):  # that, the first one has told
            yield _other(reply, "mutation")
        return
    if mutated:
        yield Finding("calls", "ok", f"mutate.ns-provisioner.io is called, and completes {name}")
        return
    what = f"mutate.ns-provisioner.io is not called, or fails: {name} did not get {labels.MANAGED_BY}"
    remedy = "see what is said of the webhooks above; a failing call is in the API server's log"
    yield Finding("calls", "fail", what, remedy)


def _trouble(reply: Reply) -> Finding | None:
    """The finding on a webhook that could not be called, of ours or not."""
    failed = _FAILED.search(reply.text)
    if failed is None:
        return None
    name, detail = failed.groups()
    if not name.endswith(".ns-provisioner.io"):
        what = f"a webhook of somebody else's keeps namespaces from being created: {name}: {detail}"
        return Finding("calls", "fail", what, "mend it, or exempt what it need not see")
    for sign, meaning, remedy in REASONS:
        if sign in _ADDRESS.sub("", detail):
            return Finding("calls", "fail", f"{name} cannot be called: {meaning}: {detail}", remedy)
    remedy = "see the API server's log, and the logs of the admission pods"
    return Finding("calls", "fail", f"{name} cannot be called: {detail}", remedy)


def _other(reply: Reply, what: str) -> Finding:
    if by := _GUARDED.search(reply.text) or _DENIED.search(reply.text):
        text = f"{what} could not be tried: {by[1]} refuses the namespace before: {reply.text}"
        return Finding("calls", "warn", text, f"see why {by[1]} does: what it says holds for every namespace")
    if reply.code in (401, 403):
        text = f"{what} could not be tried: {reply.text}"
        return Finding("calls", "warn", text, "ask as somebody who may create namespaces")
    return Finding("calls", "warn", f"{what} could not be tried: {reply.text}", "try again")
