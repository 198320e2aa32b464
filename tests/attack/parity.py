"""Whether the API server's policies and the webhook say the same of the same request.

Each request is made dry while the policies only warn and a webhook only records: the warnings are what
the policies say, and what the webhook would have said is decided on the recorded review.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.attack.actors import Actor
from tests.attack.client import Client, Reply, Request
from tests.attack.matrix import WORKERS
from tests.attack.recorder import Recorder
from tests.attack.words import Manifest
from webhook.codec import review
from webhook.core import decide, identity
from webhook.core.model import Facts, Operation
from webhook.core.policy import Policy

WEBHOOK_ONLY = {
    "name-pattern": "a name is judged when it is new, and RE2 patterns of names are the webhook's",
    "name-agrees-with-team": "judged when a name or a team is new",
    "tier-exists": "who may change a tier at all is the policy's; which there are, the webhook knows",
    "tier-allowed": "the same",
    "team-is-callers": "about new namespaces only",
    "managed-labels-complete": "the policy lets nobody but those who act for others take them apart",
    "required-metadata": "the platform's wishes; no matter of ownership",
    "defaults-present": "about new namespaces only",
    "ttl-valid": "a grammar",
    "quota-in-bounds": "a grammar, and bounds for each tier",
    "requested-by-true": "about new namespaces only",
}
"""The rules that no policy keeps, and why."""

_SAID = re.compile(
    r"ValidatingAdmissionPolicy 'ns-provisioner-\w+?(?:-(\w+))?' with binding '[\w-]+': \[([\w-]+)\]"
)

Broken = frozenset[tuple[str, str]]
"""Rules with the mode they are in: ("deletion-allowed", "enforce")."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One request by somebody; `name` is unique, and for people."""

    name: str
    actor: Actor
    request: Request


@dataclass(frozen=True, slots=True)
class Judgement:
    """`asked` is whether the request came as far as admission."""

    trial: Trial
    reply: Reply
    policies: Broken
    webhook: Broken
    asked: bool

    def __str__(self) -> str:
        return f"{self.trial.name}: policies {sorted(self.policies)}, webhook {sorted(self.webhook)}"


def judge(trials: Iterable[Trial], client: Client, recorder: Recorder, policy: Policy) -> list[Judgement]:
    """What both say, of each trial. The policies in force have to be those of `policy`, as warnings."""

    def one(numbered: tuple[int, Trial]) -> Judgement:
        case, trial = str(numbered[0]), numbered[1]
        reply = client.send(trial.request, trial.actor, dry_run=True, case=case)
        body = recorder.reviews.pop(case, None)
        said = warned(reply)
        if body is None:
            return Judgement(trial, reply, said, frozenset(), asked=False)
        facts = review.decode(body, datetime.now(UTC)).facts
        return Judgement(trial, reply, _comparable(said, facts, policy), _decided(facts, policy), asked=True)

    recorder.reviews.clear()
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, enumerate(trials)))


def warned(reply: Reply) -> Broken:
    """The rules that policies have named in warnings."""
    return frozenset((rule, mode or "enforce") for mode, rule in _SAID.findall(reply.warnings))


def _decided(facts: Facts, policy: Policy) -> Broken:
    """What the webhook finds broken, of the rules that the policies keep."""
    decision = decide.validate(facts, policy)
    rules = {violation.rule for violation in (*decision.violations, *decision.tolerated)}
    found = frozenset((rule, policy.modes.get(rule, "enforce")) for rule in rules)
    kept = frozenset(each for each in found if _is_kept(each[0], facts, policy))
    return _comparable(kept, facts, policy)


def _is_kept(rule: str, facts: Facts, policy: Policy) -> bool:
    if rule in WEBHOOK_ONLY:
        return False
    if facts.operation is not Operation.CREATE:
        return True
    if rule == "reserved-name":  # of names that the webhooks skip, and there admins are free
        return facts.name in policy.exempt_names and not identity.is_admin(facts.caller, policy)
    return rule == "managed-labels-immutable"  # which is about the expiry then


def _comparable(broken: Broken, facts: Facts, policy: Policy) -> Broken:
    """Creating an exempt name is refused in any case; the policy then counts labels of ours, too."""
    if facts.operation is Operation.CREATE and facts.name in policy.exempt_names:
        return frozenset(each for each in broken if each[0] == "reserved-name")
    return broken


def warning_only(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """The same policies, but none of them refuses anything."""
    for manifest in manifests:
        if "validationActions" in manifest["spec"]:
            yield {**manifest, "spec": {**manifest["spec"], "validationActions": ["Warn"]}}
        else:
            yield manifest
