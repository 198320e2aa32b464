"""The API server, the clocks and the processes."""

from collections.abc import Iterator

from webhook.core.diagnosis.model import Facts, Finding, Reply, unseen
from webhook.core.model import Manifest

OLDEST_MINOR = 30
"""Of Kubernetes 1: since then ValidatingAdmissionPolicies and CEL's optional fields are there for all."""

CLOCK_SECONDS = 60

_ROLES = {
    "admission": "nobody can create namespaces",
    "controller": "new namespaces get no objects, and nothing is repaired",
    "api": "nobody can ask over HTTP",
}


def api_server(facts: Facts) -> Iterator[Finding]:
    found = facts.version.content
    if found is None:
        yield Finding(
            "api-server",
            "fail",
            f"no version from the API server: {facts.version.text}",
            "look at the address in the kubeconfig, and whether kubectl version works with it",
        )
        return
    version = str(found.get("gitVersion") or "of no known version")
    if _minor(found) < OLDEST_MINOR:
        yield Finding(
            "api-server",
            "fail",
            f"the API server is {version}",
            f"it has to be 1.{OLDEST_MINOR} or newer: older ones do not know our admission policies",
        )
    else:
        yield Finding("api-server", "ok", f"the API server is {version}")


def _minor(found: Manifest) -> int:
    """1.31 is 31, and 2.0 is later than any of them. Some providers write 31+."""
    digits = "".join(char for char in str(found.get("minor")) if char in "0123456789")
    return int(digits or 0) + (1000 if found.get("major") not in ("1", "") else 0)


def clock(facts: Facts) -> Iterator[Finding]:
    if facts.server_now is None:
        yield Finding("clock", "warn", "the API server's answers bear no Date", "compare the clocks by hand")
        return
    ahead = (facts.local_now - facts.server_now).total_seconds()
    text = f"the clock here is {abs(ahead):.0f} s {'ahead of' if ahead >= 0 else 'behind'} the API server's"
    if abs(ahead) > CLOCK_SECONDS:
        remedy = "set the clocks by NTP, on the nodes too: certificates, expiry and tokens go by them"
        yield Finding("clock", "warn", text, remedy)
    else:
        yield Finding("clock", "ok", text)


def deployments(facts: Facts) -> Iterator[Finding]:
    for role, reply in facts.deployments.items():
        if reply.missing:
            yield from _absent(facts, role)
        elif reply.content is None:
            yield from unseen("deployments", f"Deployment ns-provisioner-{role}", reply)
        else:
            yield _ready(role, reply.content)
            yield from _version(facts, role, reply)


def _absent(facts: Facts, role: str) -> Iterator[Finding]:
    name = f"Deployment ns-provisioner-{role} is not in namespace {facts.namespace}"
    if role == "api":
        return  # it is optional
    if facts.is_remote():
        remedy = "nothing, where it runs outside of this cluster on purpose"
        yield Finding("deployments", "warn", f"{name}; the webhooks are registered by URL", remedy)
    else:
        remedy = f"install the chart, or name its namespace with --namespace; without it {_ROLES[role]}"
        yield Finding("deployments", "fail", name, remedy)


def _ready(role: str, found: Manifest) -> Finding:
    asked = (found.get("spec") or {}).get("replicas", 1)
    ready = (found.get("status") or {}).get("readyReplicas") or 0
    text = f"ns-provisioner-{role}: {ready} of {asked} replicas ready"
    namespace = found["metadata"]["namespace"]
    pods = f"-n {namespace} -l app.kubernetes.io/component={role}"
    if not asked:
        remedy = f"kubectl scale deployment -n {namespace} ns-provisioner-{role} --replicas=2"
        return Finding("deployments", "fail", f"ns-provisioner-{role} is scaled to none", remedy)
    if not ready:
        remedy = f"kubectl describe pods {pods}; meanwhile {_ROLES[role]}"
        return Finding("deployments", "fail", text, remedy)
    if ready < asked:
        return Finding("deployments", "warn", text, f"kubectl describe pods {pods}")
    return Finding("deployments", "ok", text)


def _version(facts: Facts, role: str, reply: Reply) -> Iterator[Finding]:
    assert reply.content is not None
    found = _app_version(reply.content)
    if found == facts.own_version:
        yield Finding("versions", "ok", f"ns-provisioner-{role} is {found}, as this nsp is")
    else:
        yield Finding(
            "versions",
            "warn",
            f"ns-provisioner-{role} is {found or 'of no stated version'}, this nsp is {facts.own_version}",
            "take the nsp of that version: what it holds right may be another thing",
        )


def _app_version(found: Manifest) -> str:
    """As the chart labels it, or else the image's tag; empty where there is neither."""
    label = (found["metadata"].get("labels") or {}).get("app.kubernetes.io/version")
    if label:
        return str(label)
    pod = ((found.get("spec") or {}).get("template") or {}).get("spec") or {}
    images = [str(container.get("image", "")) for container in pod.get("containers") or ()]
    name = images[0].partition("@")[0].rpartition("/")[2] if images else ""
    return name.partition(":")[2].removeprefix("v")
