"""`files/rights.yaml`: the rules of each role, with what the catalogue has to have for some of the verbs.

`when` says for whom the verbs in `more` are: a kind that some tier gives (`ConfigMap`), or `expiry` for a
catalogue whose expiry is no dry run. `names: bound` stands for the ClusterRoles that tiers give.
"""

from dataclasses import replace
from typing import Any

from webhook.adapters import catalogue_file
from webhook.core import rights
from webhook.core.policy import ExpiryRules, Policy, Tier
from webhook.core.rights import Right, Rights

_BIND = "bind"


def document() -> dict[str, Any]:
    """By role: the rules of its ClusterRole (`cluster`), and of its Role (`own`)."""
    return {role: _role(rights.of(role, _least()), rights.of(role, _most())) for role in rights.ROLES}


def _built_in() -> tuple[Policy, Tier]:
    policy = catalogue_file.load(None)
    return policy, policy.tiers[policy.default_tier]


def _least() -> Policy:
    policy, tier = _built_in()
    return replace(policy, tiers={"t": replace(tier, network_policies={}, extra_manifests=())})


def _most() -> Policy:
    policy, tier = _built_in()
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {}}
    full = replace(tier, extra_manifests=(config_map,))
    return replace(policy, tiers={"t": full}, expiry=ExpiryRules(dry_run=False))


def _role(least: Rights, most: Rights) -> dict[str, Any]:
    return {
        "cluster": [_rule(a, b) for a, b in zip(least.cluster, most.cluster, strict=True)],
        "own": [_rule(a, b) for a, b in zip(least.own, most.own, strict=True)],
    }


def _rule(least: Right, most: Right) -> dict[str, Any]:
    rule: dict[str, Any] = {"group": most.group, "resource": most.resource, "verbs": list(least.verbs)}
    if most.verbs == (_BIND,):
        return {**rule, "names": "bound"}
    if most.names:
        rule["names"] = list(most.names)
    if more := [verb for verb in most.verbs if verb not in least.verbs]:
        rule |= {"when": _CONDITIONS[most.resource], "more": more}
    return rule


_CONDITIONS = {
    "namespaces": "expiry",
    "configmaps": "ConfigMap",
    "networkpolicies": "NetworkPolicy",
}
