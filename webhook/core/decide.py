"""The one decision, the same for every way in."""

from webhook.core import defaults
from webhook.core.model import Additions, Decision, Facts, Operation
from webhook.core.policy import Policy
from webhook.core.rules import RULES


def mutate(facts: Facts, policy: Policy) -> Additions:
    """The missing keys to add. The same facts give the same additions; applied twice, none are left."""
    return defaults.additions(facts, policy)


def validate(facts: Facts, policy: Policy) -> Decision:
    """Every rule that the request breaks; none where the catalogue leaves a new namespace alone."""
    if facts.operation is Operation.CREATE and not defaults.is_covered(facts, policy):
        return Decision()
    return Decision(tuple(violation for rule in RULES for violation in rule.check(facts, policy)))
