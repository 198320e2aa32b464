"""Webhooks of others that see what we see, and may refuse it or change it."""

from collections.abc import Iterator

from webhook.core import wording
from webhook.core.diagnosis.model import Facts, Finding, Reply, is_ours
from webhook.core.model import Manifest

_WRITES = {"CREATE", "UPDATE", "DELETE", "*"}
_NAMESPACES = ("", "namespaces")
_OBJECTS = (
    ("", "resourcequotas"),
    ("", "limitranges"),
    ("networking.k8s.io", "networkpolicies"),
)

KNOWN = {
    "ns-provisioner.io": "this is a second registration of ours: take one of the two away",
    "capsule": (
        "Capsule gives the namespaces of its Tenants labels, quotas and limits of its own: let each "
        "namespace be either a Tenant's or ours"
    ),
    "kyverno": (
        "leave quotas, limits and network policies of managed namespaces out of Kyverno's mutate and "
        "generate rules, or both write the same objects in turn"
    ),
    "hnc": (
        "HNC copies objects from parent to child: leave quotas, limits, network policies and role bindings "
        "that ns-provisioner manages out of its propagation"
    ),
    "gatekeeper": (
        "Gatekeeper's mutations come in any order with ours, and its constraints see the labels that we add: "
        "leave platform/* and pod-security.kubernetes.io/* to one of the two"
    ),
}
"""By a part of the name of the configuration or of its webhooks: what to do."""


def judge(facts: Facts) -> Iterator[Finding]:
    found = [*_all("mutating", facts.mutating), *_all("validating", facts.validating)]
    yield from (finding for each in found for finding in each)
    if not found and facts.mutating.content is not None and facts.validating.content is not None:
        yield Finding("neighbours", "ok", "no webhook of others sees namespaces or changes our objects")


def _all(kind: str, reply: Reply) -> Iterator[list[Finding]]:
    for configuration in reply.items():
        if not is_ours(configuration):
            findings = list(_configuration(kind, configuration))
            if findings:
                yield findings


def _configuration(kind: str, configuration: Manifest) -> Iterator[Finding]:
    hooks = configuration.get("webhooks") or []
    ours = [hook for hook in hooks if _sees(hook, *_NAMESPACES)]
    if ours:
        yield _seen(kind, configuration, ours)
    changing = [hook for hook in hooks if any(_sees(hook, *each) for each in _OBJECTS)]
    if kind == "mutating" and changing:
        what = f"{_name(kind, configuration, changing)} may change quotas, limits or network policies"
        remedy = _advice(configuration, "leave those in managed namespaces out of it")
        yield Finding("neighbours", "warn", f"{what}, which our controller then puts right again", remedy)


def _seen(kind: str, configuration: Manifest, hooks: list[Manifest]) -> Finding:
    can = "change" if kind == "mutating" else "refuse"
    what = f"{_name(kind, configuration, hooks)} sees namespaces, and can {can} them"
    closed = any(hook.get("failurePolicy") == "Fail" for hook in hooks)
    known = _advice(configuration, "")
    if kind == "validating" and not closed and not known:
        return Finding("neighbours", "ok", what)
    remedy = known or (
        "while it cannot be called, no namespace is created: make sure that it is run as carefully as ours"
        if closed
        else "make sure that it leaves our labels alone"
    )
    return Finding("neighbours", "warn", what, remedy)


def _name(kind: str, configuration: Manifest, hooks: list[Manifest]) -> str:
    listed = wording.listing(f"{hook['name']}, {hook.get('failurePolicy')}" for hook in hooks)
    return f"the {kind} configuration {configuration['metadata']['name']} ({listed})"


def _advice(configuration: Manifest, otherwise: str) -> str:
    names = [configuration["metadata"]["name"], *(hook["name"] for hook in configuration["webhooks"])]
    text = " ".join(names).lower()
    return next((advice for word, advice in KNOWN.items() if word in text), otherwise)


def _sees(hook: Manifest, group: str, resource: str) -> bool:
    return any(
        not {"*", group}.isdisjoint(rule.get("apiGroups") or ())
        and not {"*", "*/*", resource, f"{resource}/*"}.isdisjoint(rule.get("resources") or ())
        and not _WRITES.isdisjoint(rule.get("operations") or ())
        for rule in hook.get("rules") or ()
    )
