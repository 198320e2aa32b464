"""The one decision, the same for every way in."""

from webhook.core import advice, defaults, wording
from webhook.core.model import Additions, Decision, Facts, Operation, Violation
from webhook.core.policy import Policy
from webhook.core.rules import RULES

WARNINGS_LIMIT = 10
"""Of at most 120 characters each: the API server lets 4,096 through in all, from everybody."""


def mutate(facts: Facts, policy: Policy) -> Additions:
    """The missing keys to add. The same facts give the same additions; applied twice, none are left."""
    return defaults.additions(facts, policy)


def validate(facts: Facts, policy: Policy) -> Decision:
    """Every rule that the request breaks; none where the catalogue leaves a new namespace alone."""
    if facts.operation is Operation.CREATE and not defaults.is_covered(facts, policy):
        return Decision()
    enforced: list[Violation] = []
    tolerated: list[Violation] = []
    warned: list[str] = []
    for rule in RULES:
        found = [*rule.check(facts, policy)]
        if not found:
            continue  # nearly always
        mode = policy.modes.get(rule.id, "enforce")
        (enforced if mode == "enforce" else tolerated).extend(found)
        if mode == "warn":
            warned.extend(map(wording.warning, found))
    if not enforced:
        warned.extend(advice.warnings(facts, policy))
    return Decision(tuple(enforced), tuple(tolerated), tuple(warned[:WARNINGS_LIMIT]))
