"""The webhook configurations, held against the ones that `nsp webhooks` would print."""

from collections.abc import Iterator
from itertools import product

from webhook.core import wording
from webhook.core.diagnosis.model import Facts, Finding, could_be_seen, unseen
from webhook.core.model import Manifest

SERVICE = "ns-provisioner-admission"
_NAME_LABEL = "kubernetes.io/metadata.name"
_AGAIN = "register it anew: helm upgrade, or nsp webhooks"

_OTHERWISE = {
    "Ignore": "while it cannot be called, what it would refuse is let in; nsp audit lists that afterwards",
    "Fail": "while it cannot be called, these requests are refused in the whole cluster",
}


def judge(facts: Facts) -> Iterator[Finding]:
    for what, reply in (("mutating", facts.mutating), ("validating", facts.validating)):
        yield from unseen("webhooks", f"the {what} webhook configurations", reply)
    if facts.policy is None:
        remedy = "mend the catalogue first"
        yield Finding("webhooks", "warn", "not compared: they are made from the catalogue", remedy)
    elif could_be_seen(facts.mutating, facts.validating):
        found = facts.hooks()
        for wanted in facts.registered:
            yield from _hook(wanted, found.get(wanted["name"]), facts)


def _hook(wanted: Manifest, found: Manifest | None, facts: Facts) -> Iterator[Finding]:
    name = wanted["name"]
    if found is None:
        yield Finding("webhooks", "fail", f"{name} is not registered: it is never called", _AGAIN)
        return
    wrong = [
        *_target(wanted, found, facts.namespace),
        *_bundle(found),
        *_failure_policy(wanted, found),
        *_rules(wanted, found),
        *_selectors(wanted, found),
        *_conditions(wanted, found),
    ]
    yield from wrong
    if not wrong:
        text = f"{name} is registered as it should be, {_words(found)}, {found['failurePolicy']}"
        yield Finding("webhooks", "ok", text)


def _target(wanted: Manifest, found: Manifest, namespace: str) -> Iterator[Finding]:
    """`validate-delete` is served where `validate` is."""
    path = f"/{wanted['name'].partition('.')[0].partition('-')[0]}"
    config = found["clientConfig"]
    service = config.get("service") or {}
    right = (
        config["url"].endswith(path)
        if "url" in config
        else (service.get("namespace"), service.get("name"), service.get("path"))
        == (namespace, SERVICE, path)
    )
    if not right:
        what = f"{wanted['name']} calls {_words(found)}, not {SERVICE}.{namespace}.svc{path}"
        yield Finding("webhooks", "fail", what, f"{_AGAIN}, or name the right --namespace")


def _words(found: Manifest) -> str:
    config = found["clientConfig"]
    service = config.get("service") or {}
    path = service.get("path", "")
    return str(config.get("url") or f"{service.get('name')}.{service.get('namespace')}.svc{path}")


def _bundle(found: Manifest) -> Iterator[Finding]:
    config = found["clientConfig"]
    if config.get("caBundle"):
        return
    what = f"{found['name']} has no caBundle: the API server trusts only what its own system does"
    if "url" in config:
        yield Finding("webhooks", "warn", what, "nothing, where the certificate is of a public CA")
        return
    remedy = (
        "with cert-manager: look at its CA injector and the annotation cert-manager.io/inject-ca-from; "
        "without: put the CA there"
    )
    yield Finding("webhooks", "fail", what, remedy)


def _failure_policy(wanted: Manifest, found: Manifest) -> Iterator[Finding]:
    """Another choice may be meant, for a time; what follows from it has to be known."""
    policy, shipped = found.get("failurePolicy"), wanted["failurePolicy"]
    if policy != shipped:
        what = f"{wanted['name']} has failurePolicy {policy}, as shipped it is {shipped}"
        yield Finding("webhooks", "warn", what, _OTHERWISE.get(str(policy), _AGAIN))


def _rules(wanted: Manifest, found: Manifest) -> Iterator[Finding]:
    """Rules may be written in many ways: what counts is which requests they are for."""
    name, asked, has = wanted["name"], _requests(wanted), _requests(found)
    if missing := asked - has:
        yield Finding("webhooks", "fail", f"{name} is not asked about {_listed(missing)}", _AGAIN)
    if more := has - asked:
        yield Finding("webhooks", "warn", f"{name} is asked needlessly about {_listed(more)}", _AGAIN)


def _listed(requests: set[tuple[str, str]]) -> str:
    return wording.listing(sorted(" ".join(each) for each in requests))


def _requests(hook: Manifest) -> set[tuple[str, str]]:
    """Pairs of operation and resource."""
    found = set()
    for rule in hook.get("rules") or ():
        groups = product(rule["operations"], rule["apiGroups"], rule["apiVersions"], rule["resources"])
        for operation, group, version, resource in groups:
            found.add((operation, "/".join(filter(None, (group, version, resource)))))
    return found


def _selectors(wanted: Manifest, found: Manifest) -> Iterator[Finding]:
    name = wanted["name"]
    if any((found.get("objectSelector") or {}).values()) or _by_labels(found):
        what = f"{name} selects by labels that a tenant can write, and so get around it"
        yield Finding("webhooks", "fail", what, f"select by {_NAME_LABEL} alone; {_AGAIN}")
        return
    asked, has = _exempt(wanted), _exempt(found)
    if missing := sorted(asked - has):
        what = f"{name} is called for {wording.listing(missing)}, which the catalogue exempts"
        yield Finding("webhooks", "fail", what, _AGAIN)
    if more := sorted(has - asked):
        what = f"{name} is not called for {wording.listing(more)}, which the catalogue does not exempt"
        yield Finding("webhooks", "warn", what, f"add them to policy.exemptNames, or {_AGAIN}")


def _by_labels(hook: Manifest) -> bool:
    selector = hook.get("namespaceSelector") or {}
    return bool(selector.get("matchLabels")) or any(
        (each["key"], each["operator"]) != (_NAME_LABEL, "NotIn")
        for each in selector.get("matchExpressions") or ()
    )


def _exempt(hook: Manifest) -> set[str]:
    expressions = (hook.get("namespaceSelector") or {}).get("matchExpressions") or ()
    return {name for each in expressions for name in each.get("values") or ()}


def _conditions(wanted: Manifest, found: Manifest) -> Iterator[Finding]:
    """One more condition lets requests through; one less only costs time, or holds up deletions."""
    shipped = {each["expression"]: each["name"] for each in wanted.get("matchConditions") or ()}
    has = {each["expression"]: each["name"] for each in found.get("matchConditions") or ()}
    for word, names in (
        ("also has the match condition", [has[each] for each in has.keys() - shipped.keys()]),
        ("lacks the match condition", [shipped[each] for each in shipped.keys() - has.keys()]),
    ):
        for condition in sorted(names):
            what = f"{wanted['name']} {word} {condition}"
            remedy = f"make sure that it is meant: what it leaves out, nobody judges; else {_AGAIN}"
            yield Finding("webhooks", "warn", what, remedy)
