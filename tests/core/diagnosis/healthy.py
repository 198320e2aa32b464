"""An installation with which nothing is wrong, of which a test changes one part."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.core.builders import POLICY
from webhook.codec import admissionpolicy, registration
from webhook.core import diagnosis
from webhook.core.diagnosis import accounts
from webhook.core.diagnosis.calls import acceptance, refusal
from webhook.core.diagnosis.model import Asked, Facts, Finding, Reply
from webhook.core.model import Manifest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOT_FOUND = Reply(None, 404, "404 NotFound: not found")
FORBIDDEN = Reply(None, 403, "403 Forbidden: you cannot")
BROKEN = Reply(None, 500, "500 InternalError: etcd is away")
CONTROLLER = "system:serviceaccount:ns-provisioner:ns-provisioner-controller"

DENIED = Reply(
    None,
    422,
    '422 Invalid: admission webhook "validate.ns-provisioner.io" denied the request: '
    '[reserved-name] metadata.name: "kube-nsp-doctor" is reserved',
)


def deployment(role: str, *, ready: int = 2, **changes: Any) -> Reply:
    """A Deployment of the chart with two replicas; `changes` replace its parts."""
    metadata = {"name": f"ns-provisioner-{role}", "namespace": "ns-provisioner"}
    named = {**metadata, "labels": {"app.kubernetes.io/version": "0.1.0"}}
    whole = {"metadata": named, "spec": {"replicas": 2}, "status": {"readyReplicas": ready}}
    return Reply({**whole, **changes})


def hooks() -> list[Manifest]:
    """Our webhooks as they are printed."""
    printed = registration.configurations(POLICY, registration.url_client_config("https://x", b"CA"))
    return [hook for each in printed for hook in each["webhooks"]]


def registered(*changed: Manifest) -> dict[str, Reply]:
    """Our two configurations with a Service, as the API server has them; `changed` replace webhooks."""
    found = {hook["name"]: served(hook) for hook in hooks()} | {hook["name"]: hook for hook in changed}
    mutate = found.pop("mutate.ns-provisioner.io")
    return {"mutating": configurations([mutate]), "validating": configurations([*found.values()])}


def configurations(*each: list[Manifest], name: str = "ns-provisioner") -> Reply:
    return Reply({"items": [{"metadata": {"name": name}, "webhooks": webhooks} for webhooks in each]})


def served(hook: Manifest, **changes: Any) -> Manifest:
    path = f"/{hook['name'].partition('.')[0].partition('-')[0]}"
    service = {"name": "ns-provisioner-admission", "namespace": "ns-provisioner", "path": path, "port": 443}
    config = {"service": service, "caBundle": "Q0E="}
    return {**hook, "clientConfig": config, "objectSelector": {}, **changes}


def hook(name: str, **changes: Any) -> Manifest:
    """One of our webhooks as registered by Service, with changes."""
    return served(next(each for each in hooks() if each["name"].startswith(f"{name}.")), **changes)


def stored(kind: str) -> Reply:
    """Our policies or bindings as the API server lists them: with what it adds, and without their kind."""
    found = [each for each in admissionpolicy.manifests(POLICY) if each["kind"] == kind]
    return Reply({"items": [_with_defaults(each) for each in found]})


def _with_defaults(manifest: Manifest) -> Manifest:
    kept = {key: value for key, value in manifest.items() if key not in ("kind", "apiVersion")}
    return {**kept, "spec": {**manifest["spec"], "paramKind": None}, "status": {"typeChecking": {}}}


def labelled(**labels: str) -> Reply:
    return Reply({"metadata": {"name": "nspdoctor1", "labels": labels}})


_refused, _accepted = refusal(POLICY), acceptance(POLICY, "1")
assert _refused is not None

COMPLETED = Reply({"metadata": {"labels": {"app.kubernetes.io/managed-by": "ns-provisioner"}}})

FACTS = Facts(
    namespace="ns-provisioner",
    own_version="0.1.0",
    version=Reply({"major": "1", "minor": "36", "gitVersion": "v1.36.4"}),
    server_now=NOW,
    local_now=NOW,
    source="ConfigMap ns-provisioner/ns-provisioner-catalogue",
    policy=POLICY,
    catalogue=Reply({"data": {}}),
    deployments={
        "admission": deployment("admission"),
        "controller": deployment("controller"),
        "api": NOT_FOUND,
    },
    registered=tuple(hooks()),
    mutating=registered()["mutating"],
    validating=registered()["validating"],
    policies=stored("ValidatingAdmissionPolicy"),
    bindings=stored("ValidatingAdmissionPolicyBinding"),
    guards=tuple(admissionpolicy.manifests(POLICY)),
    refused=(_refused, DENIED),
    accepted=(_accepted, COMPLETED),
    secret=Reply({"metadata": {"name": "ns-provisioner-tls"}}),
    certificate=(Finding("certificate", "ok", "valid until 2026-04-02"),),
    lease=Reply({"spec": {"holderIdentity": "pod_1", "renewTime": "2026-01-02T03:04:03.000000Z"}}),
    rights=tuple(
        Asked(CONTROLLER, each, True) for each in accounts.of("controller", POLICY, "ns-provisioner")
    ),
    own_rights=tuple(
        Asked("", each, True) for each in accounts.needs("ns-provisioner", "ns-provisioner-tls")
    ),
)


def findings(check: str, **changes: Any) -> list[tuple[str, str, str]]:
    """Level, text and remedy of the findings of one check, after changes."""
    found = diagnosis.judge(replace(FACTS, **changes))
    return [(each.level, each.what, each.remedy) for each in found if each.check == check]


def troubles(check: str, **changes: Any) -> list[str]:
    """As text, what is not ok."""
    return [
        f"{level}: {what} -> {remedy}" for level, what, remedy in findings(check, **changes) if level != "ok"
    ]
