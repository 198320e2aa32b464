"""What a new namespace is given that its manifest does not say. Only missing keys, ever."""

from webhook.core import identity, labels
from webhook.core.model import Additions, Facts, Operation
from webhook.core.policy import Policy


def is_covered(facts: Facts, policy: Policy) -> bool:
    """Whether a new namespace is any of our business. One that states a label of ours always is."""
    stated = facts.new.labels
    ours = labels.TIER in stated or labels.TEAM in stated or stated.get(labels.MANAGED_BY) == labels.MANAGER
    return ours or policy.unlabelled != "ignore"


def additions(facts: Facts, policy: Policy) -> Additions:
    """The labels and annotations that complete a namespace on CREATE; nothing on UPDATE.

    An update that took a key away is for validation to refuse: putting it back silently would
    fight with the tool that stated it. A name that the API server has yet to generate gives no
    team, and validation then asks for one.
    """
    if facts.operation is not Operation.CREATE or not is_covered(facts, policy):
        return Additions()
    stated, wanted = facts.new.labels, {labels.MANAGED_BY: labels.MANAGER}
    record = {labels.REQUESTED_BY: facts.caller.username}
    if policy.unlabelled == "default":
        wanted[labels.TIER] = policy.default_tier
    if facts.name and labels.TEAM not in stated:
        wanted[labels.TEAM] = _team(facts, policy)
    tier = policy.tiers.get(stated.get(labels.TIER) or wanted.get(labels.TIER, ""))
    if tier is not None:
        for mode, level in tier.pod_security.items():
            wanted[labels.POD_SECURITY[mode]] = level
        if tier.initial_ttl is not None:
            record[labels.TTL] = tier.initial_ttl
    return Additions(
        labels={key: value for key, value in wanted.items() if key not in stated},
        annotations={key: value for key, value in record.items() if key not in facts.new.annotations},
    )


def _team(facts: Facts, policy: Policy) -> str:
    """The caller's team that the name begins with (`payments-dev` is for `payments`), or else the name."""
    name, joint = facts.name, policy.team_separator or "-"
    own = (team for team in identity.teams(facts.caller, policy) if f"{name}{joint}".startswith(team + joint))
    return max(own, key=len, default=name)
