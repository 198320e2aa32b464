"""The objects a tier gives one namespace, in the order they are written: guardrails before access."""

from collections.abc import Mapping
from dataclasses import replace

from webhook.core import extras, labels, quotaoverride
from webhook.core.model import API_VERSIONS, Bundle, Manifest, NamespaceState, ObjectKey, key_of
from webhook.core.policy import Policy, Tier

QUOTA = ObjectKey("ResourceQuota", "default")
ACCESS = ObjectKey("RoleBinding", "team-edit")
"""Two objects that every namespace has, whatever its tier: what it may use, and its team's rights."""

_EDIT_ROLE = "edit"
_OWN_COUNTS = frozenset(
    {
        "configmaps",
        "resourcequotas",
        "count/configmaps",
        "count/limitranges",
        "count/networkpolicies.networking.k8s.io",
        "count/resourcequotas",
        "count/rolebindings.rbac.authorization.k8s.io",
    }
)
"""Quota keys that count kinds of a bundle: a zero would keep the guardrails out."""


def of(name: str, state: NamespaceState, policy: Policy) -> Bundle:
    """The bundle of a namespace that names its team and a tier of the catalogue."""
    tier, team = policy.tiers[state.labels[labels.TIER]], state.labels[labels.TEAM]
    quota = quotaoverride.quota(state.annotations.get(labels.QUOTA, ""), tier)
    return render(name, team, tier, quota=quota, group=policy.group_of(team))


def inert(name: str, state: NamespaceState, policy: Policy) -> Bundle:
    """The bundle of a namespace that its team has no room for: all guardrails, no access, no resources."""
    whole = of(name, state, policy)
    kept = (_emptied(item) for item in whole.objects if item["kind"] != "RoleBinding")
    return replace(whole, objects=tuple(kept))


def _emptied(manifest: Manifest) -> Manifest:
    """Our ResourceQuota with nothing left to use, apart from what our own objects count against."""
    if key_of(manifest) != QUOTA:
        return manifest
    hard = manifest["spec"]["hard"]
    none = {key: amount if key in _OWN_COUNTS else "0" for key, amount in hard.items()}
    return {**manifest, "spec": {"hard": {**none, "pods": "0"}}}


def render(namespace: str, team: str, tier: Tier, *, quota: Mapping[str, str], group: str) -> Bundle:
    """The bundle of `namespace`. Pure: the same arguments give equal objects."""
    bodies: list[tuple[str, str, Manifest]] = [
        ("LimitRange", "default", {"spec": _limit_range(tier)}),
        (*QUOTA, {"spec": {"hard": dict(quota)}}),
        *(("NetworkPolicy", name, {"spec": spec}) for name, spec in tier.network_policies.items()),
    ]
    metadata = {
        "namespace": namespace,
        "labels": {
            labels.MANAGED_BY: labels.MANAGER,
            labels.TIER: tier.name,
            labels.TIER_REVISION: tier.revision,
        },
    }
    extra = [_extra(template, namespace, team, tier, metadata) for template in tier.extra_manifests]
    objects = (
        *(_object(kind, name, metadata, body) for kind, name, body in bodies),
        *(manifest for manifest in extra if manifest["kind"] != "RoleBinding"),
        *(manifest for manifest in extra if manifest["kind"] == "RoleBinding"),
        _object(*ACCESS, metadata, _role_binding(group)),
    )
    return Bundle(tier=tier.name, revision=tier.revision, objects=objects)


def access(namespace: str, group: str, given: Mapping[str, str]) -> Manifest:
    """The binding that gives `group` access, with these labels."""
    return _object(*ACCESS, {"namespace": namespace, "labels": dict(given)}, _role_binding(group))


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
