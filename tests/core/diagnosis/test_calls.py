"""What two dry runs tell of the way to our processes. The API server's words were taken from a real one."""

from dataclasses import replace

import pytest

from tests.core.builders import POLICY, policy
from tests.core.diagnosis.healthy import COMPLETED, DENIED, FACTS, FORBIDDEN, labelled, troubles
from webhook.core import decide, diagnosis
from webhook.core.diagnosis import calls
from webhook.core.diagnosis.model import Probe, Reply
from webhook.core.model import Caller, Facts, NamespaceState, Operation
from webhook.core.policy import Policy

FAILED = '500 InternalError: Internal error occurred: failed calling webhook "{}": failed to call webhook: {}'
POST = 'Post "https://ns-provisioner-admission.ns-provisioner.svc:443/validate?timeout=3s": '
VALIDATE = "validate.ns-provisioner.io"


def after_refused(reply: Reply) -> list[str]:
    assert FACTS.refused is not None
    return troubles("calls", refused=(FACTS.refused[0], reply))


def after_accepted(reply: Reply) -> list[str]:
    assert FACTS.accepted is not None
    return troubles("calls", accepted=(FACTS.accepted[0], reply))


@pytest.mark.parametrize(
    ("detail", "meaning", "remedy"),
    [
        pytest.param(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "its CA bundle does not vouch for the certificate",
            "put the CA that signed the certificate into caBundle; with cert-manager look at its CA injector",
            id="another CA",
        ),
        pytest.param(
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
            "current time",
            "the certificate is out of date",
            "issue a new one (cmctl renew, nsp certs renew), and compare the clocks",
            id="an old certificate",
        ),
        pytest.param(
            "tls: failed to verify certificate: x509: certificate is valid for localhost, not x.svc",
            "the certificate is for another host, or cannot be used",
            "issue one for the host that is called: nsp certs check tells what is wrong with it",
            id="another host's certificate",
        ),
        pytest.param(
            'no endpoints available for service "ns-provisioner-admission"',
            "its Service has no pod that is ready",
            "kubectl get pods -l app.kubernetes.io/component=admission, and see why they are not ready",
            id="no pod",
        ),
        pytest.param(
            'service "ns-provisioner-admission" not found',
            "its Service is not there",
            "install the chart again, or mend clientConfig.service",
            id="no service",
        ),
        pytest.param(
            "dial tcp: lookup nowhere.invalid on 10.0.0.53:53: no such host",
            "the name of its host is not known",
            "mend clientConfig, or the API server's DNS",
            id="no host",
        ),
        pytest.param(
            "dial tcp 127.0.0.1:1: connect: connection refused",
            "nothing listens there",
            "see whether the pods run, and whether the Service leads to their port 8443",
            id="nothing listens",
        ),
        pytest.param(
            "context deadline exceeded",
            "it does not answer in time",
            "let the API server through to port 8443: NetworkPolicy, firewall of the nodes, security groups",
            id="no answer",
        ),
        pytest.param(
            "dial tcp 10.0.0.1:443: i/o timeout",
            "it does not answer in time",
            "let the API server through to port 8443: NetworkPolicy, firewall of the nodes, security groups",
            id="no connection",
        ),
        pytest.param(
            "http: server gave HTTP response to HTTPS client",
            "what listens there does not speak TLS",
            "lead the Service to port 8443, not to the side port",
            id="the side port",
        ),
    ],
)
def test_a_call_that_fails(detail: str, meaning: str, remedy: str) -> None:
    reply = Reply(None, 500, FAILED.format(VALIDATE, POST + detail))
    assert after_refused(reply) == [
        f"fail: {VALIDATE} cannot be called: {meaning}: {POST}{detail} -> {remedy}"
    ]


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        pytest.param(
            "the server could not find the requested resource",
            "what listens there has nothing at this path: the server could not find the requested "
            "resource -> "
            "mend the path in clientConfig; it may be another service that listens there",
            id="another path",
        ),
        pytest.param(
            "something new",
            "something new -> see the API server's log, and the logs of the admission pods",
            id="what nobody has seen yet",
        ),
    ],
)
def test_a_call_that_is_answered_wrongly(detail: str, told: str) -> None:
    reply = Reply(None, 500, FAILED.format(VALIDATE, detail))
    assert after_refused(reply) == [f"fail: {VALIDATE} cannot be called: {told}"]


def test_a_webhook_of_somebody_else_that_fails() -> None:
    reply = Reply(None, 500, FAILED.format("mutate.kyverno.svc", "connection refused"))
    assert after_refused(reply) == [
        "fail: a webhook of somebody else's keeps namespaces from being created: mutate.kyverno.svc: "
        "connection refused -> mend it, or exempt what it need not see"
    ]


def test_a_validation_that_nobody_asks_for() -> None:
    assert after_refused(labelled()) == [
        f"fail: {VALIDATE} is not called, or may fail: a namespace kube-nsp-doctor would have been "
        "created -> "
        "see what is said of the webhooks above; then run nsp audit"
    ]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(
            Reply(None, 422, DENIED.text.replace("reserved-name", "name-pattern")),
            f"warn: {VALIDATE} refuses kube-nsp-doctor, but not by [reserved-name]: "
            + DENIED.text.replace("reserved-name", "name-pattern")
            + " -> its catalogue may be another one than the one looked at here",
            id="by another rule",
        ),
        pytest.param(
            FORBIDDEN,
            f"warn: validation could not be tried: {FORBIDDEN.text} -> ask as somebody who may create "
            "namespaces",
            id="by RBAC",
        ),
        pytest.param(
            Reply(None, 403, 'admission webhook "x.gatekeeper.sh" denied the request: no'),
            "warn: validation could not be tried: x.gatekeeper.sh refuses the namespace before: "
            "admission webhook "
            '"x.gatekeeper.sh" denied the request: no -> see why x.gatekeeper.sh does: what it says '
            "holds for "
            "every namespace",
            id="by another webhook",
        ),
        pytest.param(
            Reply(None, 422, "ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no"),
            "warn: validation could not be tried: x refuses the namespace before: "
            "ValidatingAdmissionPolicy 'x' "
            "with binding 'y' denied request: no -> see why x does: what it says holds for every namespace",
            id="by a policy",
        ),
        pytest.param(
            Reply(None, 503, "503 ServiceUnavailable"),
            "warn: validation could not be tried: 503 ServiceUnavailable -> try again",
            id="by nobody in particular",
        ),
    ],
)
def test_a_refusal_that_is_not_the_expected_one(reply: Reply, told: str) -> None:
    assert after_refused(reply) == [told]


NOT_MUTATED = (
    "fail: mutate.ns-provisioner.io is not called, or fails: nspdoctor1 did not get "
    "app.kubernetes.io/managed-by -> see what is said of the webhooks above; a failing call is in the API "
    "server's log"
)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(COMPLETED, [], id="with our label"),
        pytest.param(labelled(), [NOT_MUTATED], id="without it"),
        pytest.param(
            Reply(None, 422, DENIED.text.replace("reserved-name", "managed-labels-complete")),
            [NOT_MUTATED],
            id="refused, because it lacks it",
        ),
        pytest.param(
            Reply(None, 422, DENIED.text.replace("reserved-name", "required-metadata")),
            [],
            id="refused for something else, so that it had it",
        ),
        pytest.param(
            Reply(None, 500, FAILED.format(VALIDATE, "refused")), [], id="not judged, which was said before"
        ),
        pytest.param(
            FORBIDDEN,
            [
                f"warn: mutation could not be tried: {FORBIDDEN.text} -> ask as somebody who may "
                "create namespaces"
            ],
            id="refused by RBAC",
        ),
    ],
)
def test_mutation(reply: Reply, told: list[str]) -> None:
    assert after_accepted(reply) == told


def _violated(probe: Probe, rules: Policy) -> list[str]:
    """By an admin of the platform, as the webhook would see it."""
    metadata = probe.manifest["metadata"]
    admin = Caller("root", ("platform-admins",))
    asked = Facts(Operation.CREATE, metadata["name"], admin, NamespaceState(metadata["labels"]))
    complete = replace(asked, new=decide.mutate(asked, rules).applied_to(asked.new))
    return [violation.rule for violation in decide.validate(complete, rules).violations]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(POLICY, id="the built-in catalogue"),
        pytest.param(policy(reserved_prefixes=("sys-",), reserved_names=frozenset()), id="another prefix"),
        pytest.param(policy(reserved_prefixes=()), id="names only"),
        pytest.param(
            policy(reserved_prefixes=(), reserved_names=frozenset({"ns-provisioner"})), id="an exempt one"
        ),
        pytest.param(policy(modes={"reserved-name": "warn"}), id="names that are only warned about"),
        pytest.param(policy(team_separator="-"), id="a separator"),
        pytest.param(policy(unlabelled="deny"), id="a tier that has to be stated"),
        pytest.param(policy(unlabelled="ignore"), id="only those with a tier"),
    ],
)
def test_one_probe_is_refused_by_its_rule_and_the_other_by_none(rules: Policy) -> None:
    refused = calls.refusal(rules)
    assert refused is not None
    assert refused.rule in _violated(refused, rules)
    assert _violated(calls.acceptance(rules, "0a1b2c"), rules) == []


def test_a_catalogue_that_enforces_neither_rule_cannot_be_probed() -> None:
    lax = policy(modes={"reserved-name": "audit", "tier-exists": "warn"})
    assert calls.refusal(lax) is None
    assert troubles("calls", refused=None) == [
        "warn: validation was not tried: the catalogue enforces neither reserved-name nor tier-exists -> "
        "nsp simulate decides without a cluster"
    ]


def test_no_name_is_taken_that_somebody_may_have() -> None:
    names = {calls.acceptance(POLICY, suffix).manifest["metadata"]["name"] for suffix in ("a", "b")}
    assert names == {"nspdoctora", "nspdoctorb"}


def test_both_findings_are_told_when_all_is_well() -> None:
    assert [each.what for each in diagnosis.judge(FACTS) if each.check == "calls"] == [
        f"{VALIDATE} is called, and refuses kube-nsp-doctor by [reserved-name]",
        "mutate.ns-provisioner.io is called, and completes nspdoctor1",
    ]
