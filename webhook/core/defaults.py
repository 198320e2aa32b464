"""What a new namespace is given that its manifest does not say. Only missing keys, ever."""

from webhook.core import labels
from webhook.core.model import Additions, Facts, Operation
from webhook.core.policy import Policy


def additions(facts: Facts, policy: Policy) -> Additions:
    """The labels and annotations that complete a namespace on CREATE; nothing on UPDATE.

    An update that took a key away is for validation to refuse: putting it back silently would
    fight with the tool that stated it. A name that the API server has yet to generate gives no
    team, and validation then asks for one.
    """
    if facts.operation is not Operation.CREATE:
        return Additions()
    stated = facts.new.labels
    wanted = {
        labels.MANAGED_BY: labels.MANAGER,
        labels.TIER: policy.default_tier,
        **({labels.TEAM: facts.name} if facts.name else {}),
    }
    tier = policy.tiers.get(stated.get(labels.TIER, policy.default_tier))
    if tier is not None:
        wanted |= {labels.POD_SECURITY[mode]: level for mode, level in tier.pod_security.items()}
    requested_by = {labels.REQUESTED_BY: facts.caller.username}
    return Additions(
        labels={key: value for key, value in wanted.items() if key not in stated},
        annotations={key: value for key, value in requested_by.items() if key not in facts.new.annotations},
    )
