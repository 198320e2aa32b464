"""Whether our accounts have the rights that they use, and the caller those that this command uses."""

from collections.abc import Iterator

from webhook.core import rights, wording
from webhook.core.diagnosis.model import Access, Asked, Facts, Finding
from webhook.core.policy import Policy

_REGISTRATION = "admissionregistration.k8s.io"


def needs(namespace: str, serving_secret: str) -> list[Access]:
    """What the caller of `nsp doctor` has to be allowed, for it to see everything."""
    return [
        Access("get", "apps", "deployments", namespace),
        Access("get", "", "configmaps", namespace, "ns-provisioner-catalogue"),
        Access("get", "", "secrets", namespace, serving_secret),
        Access("get", "coordination.k8s.io", "leases", namespace, rights.LEASE),
        Access("list", _REGISTRATION, "mutatingwebhookconfigurations"),
        Access("list", _REGISTRATION, "validatingwebhookconfigurations"),
        Access("list", _REGISTRATION, "validatingadmissionpolicies"),
        Access("list", _REGISTRATION, "validatingadmissionpolicybindings"),
        Access("create", "", "namespaces"),
        Access("create", "authorization.k8s.io", "subjectaccessreviews"),
    ]


def of(role: str, policy: Policy, namespace: str) -> list[Access]:
    """The rights of a role one by one, as an authorizer is asked about them."""
    granted = rights.of(role, policy)
    return [
        Access(verb, right.group, right.resource, where, name)
        for where, each in (("", granted.cluster), (namespace, granted.own))
        for right in each
        for verb in right.verbs
        for name in right.names or ("",)
    ]


def judge(facts: Facts) -> Iterator[Finding]:
    yield from _own(facts.own_rights)
    for user in dict.fromkeys(asked.user for asked in facts.rights):
        yield _account(user, [asked for asked in facts.rights if asked.user == user], facts.namespace)


def _own(asked: tuple[Asked, ...]) -> Iterator[Finding]:
    lacking = [str(each.access) for each in asked if each.allowed is False]
    if lacking:
        what = f"you may not: {wording.listing(lacking)}"
        yield Finding("rights", "warn", what, "what needs these was not looked at: ask as a cluster admin")
    elif asked and all(each.allowed for each in asked):
        yield Finding("rights", "ok", f"you may do all {len(asked)} things that this command asks for")


def _account(user: str, asked: list[Asked], namespace: str) -> Finding:
    unknown = [each for each in asked if each.allowed is None]
    lacking = [str(each.access) for each in asked if each.allowed is False]
    if lacking:
        remedy = f"helm upgrade, or nsp rbac --namespace {namespace} | kubectl apply -f -"
        return Finding("rights", "fail", f"{user} may not: {wording.listing(lacking)}", remedy)
    if unknown:
        what = f"the rights of {user} could not be asked for: {unknown[0].text}"
        return Finding("rights", "warn", what, "ask as somebody who may create subjectaccessreviews")
    return Finding("rights", "ok", f"{user} has all {len(asked)} rights that it uses")
