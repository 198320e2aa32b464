"""The tier catalogue that the installation is given."""

from collections.abc import Iterator

from webhook.core.diagnosis.model import Facts, Finding, unseen
from webhook.core.policy import Policy


def judge(facts: Facts) -> Iterator[Finding]:
    yield from unseen("catalogue", "the tier catalogue", facts.catalogue)
    if facts.policy is None:
        for problem in facts.problems:
            remedy = "mend it in the values: until then the last good one stays in force"
            yield Finding("catalogue", "fail", f"{facts.source}: {problem}", remedy)
        return
    policy = facts.policy
    text = f"{facts.source}: good, {len(policy.tiers)} tiers, revision {policy.revision}"
    if facts.catalogue.content is None:
        remedy = "what follows is compared with this one: name the one in use with --catalogue"
        yield Finding("catalogue", "warn", f"the cluster's is not known, so {text}", remedy)
    else:
        yield Finding("catalogue", "ok", text)
    yield from _accounts(facts, policy)


def _accounts(facts: Facts, policy: Policy) -> Iterator[Finding]:
    for role, setting, known in (
        ("controller", "controllers", policy.controllers),
        ("api", "requesters", policy.requesters),
    ):
        reply = facts.deployments.get(role)
        if role == "api" and (reply is None or reply.content is None):
            continue
        user = f"system:serviceaccount:{facts.namespace}:ns-provisioner-{role}"
        if user in known:
            yield Finding("catalogue", "ok", f"policy.{setting} names {user}")
        else:
            remedy = f"add it there: without, the rules refuse what the {role} does"
            yield Finding("catalogue", "fail", f"policy.{setting} does not name {user}", remedy)
