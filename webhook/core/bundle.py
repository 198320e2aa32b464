"""The objects a tier gives one namespace, in the order they are written: guardrails before access."""

from collections.abc import Mapping

from webhook.core import extras, labels, quotaoverride
from webhook.core.model import API_VERSIONS, Bundle, Manifest, NamespaceState
from webhook.core.policy import Policy, Tier

_EDIT_ROLE = "edit"


def of(name: str, state: NamespaceState, policy: Policy) -> Bundle:
    """The bundle of a namespace that names its team and a tier of the catalogue."""
    tier, team = policy.tiers[state.labels[labels.TIER]], state.labels[labels.TEAM]
    quota = quotaoverride.quota(state.annotations.get(labels.QUOTA, ""), tier)
    return render(name, team, tier, quota=quota, group=policy.group_of(team))


def render(namespace: str, team: str, tier: Tier, *, quota: Mapping[str, str], group: str) -> Bundle:
    """The bundle of `namespace`. Pure: the same arguments give equal objects."""
    bodies: list[tuple[str, str, Manifest]] = [
        ("LimitRange", "default", {"spec": _limit_range(tier)}),
        ("ResourceQuota", "default", {"spec": {"hard": dict(quota)}}),
        *(("NetworkPolicy", name, {"spec": spec}) for name, spec in tier.network_policies.items()),
    ]
    metadata = {
        "namespace": namespace,
        "labels": {labels.MANAGED_BY: labels.MANAGER, labels.TIER_REVISION: tier.revision},
    }
    extra = [_extra(template, namespace, team, tier, metadata) for template in tier.extra_manifests]
    objects = (
        *(_object(kind, name, metadata, body) for kind, name, body in bodies),
        *(manifest for manifest in extra if manifest["kind"] != "RoleBinding"),
        *(manifest for manifest in extra if manifest["kind"] == "RoleBinding"),
        _object("RoleBinding", "team-edit", metadata, _role_binding(group)),
    )
    return Bundle(tier=tier.name, revision=tier.revision, objects=objects)


def _object(kind: str, name: str, metadata: Manifest, body: Manifest) -> Manifest:
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": {"name": name, **metadata}, **body}


def _extra(template: Manifest, namespace: str, team: str, tier: Tier, metadata: Manifest) -> Manifest:
    filled = extras.substituted(template, {"name": namespace, "team": team, "tier": tier.name})
    own = filled["metadata"]
    combined = {**own, **metadata, "labels": {**own.get("labels", {}), **metadata["labels"]}}
    return {**filled, "metadata": combined}


def _limit_range(tier: Tier) -> Manifest:
    limits = {
        "type": "Container",
        "default": dict(tier.default),
        "defaultRequest": dict(tier.default_request),
    }
    return {"limits": [limits]}


def _role_binding(subject: str) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": _EDIT_ROLE},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": subject}],
    }
