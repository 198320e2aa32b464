"""The tier catalogue as text and as plain data: YAML to Policy, and a Policy as people read it."""

from typing import Any

from webhook.codec import yamltext
from webhook.core import catalogue, policy
from webhook.core.errors import InvalidPolicyError, Problem


def parse(text: str) -> policy.Policy:
    """Validate the text of a catalogue. Raises InvalidPolicyError."""
    try:
        document = yamltext.load(text)
    except yamltext.InvalidYamlError as error:
        raise InvalidPolicyError([Problem(error.place, error.detail)]) from error
    return catalogue.parse(document)


def plain(snapshot: policy.Policy) -> dict[str, Any]:
    """The whole catalogue with every default and parent filled in, in the words of the file."""
    return {
        "policy": _policy(snapshot),
        "expiry": _expiry(snapshot.expiry),
        "rollout": {"strategy": snapshot.rollout.strategy, "perMinute": snapshot.rollout.per_minute},
        "teams": {team: _budget(each) for team, each in snapshot.budgets.items()},
        "tiers": {name: tier(each) for name, each in snapshot.tiers.items()},
    }


def tier(each: policy.Tier) -> dict[str, Any]:
    """One tier with everything it inherits."""
    optional = {
        "overrides": {"quota": {key: _bounds(bounds) for key, bounds in each.overrides.items()}}
        if each.overrides
        else None,
        "extraManifests": list(each.extra_manifests) or None,
        "ttl": each.ttl,
        "maxTtl": each.max_ttl,
        "idleTtl": each.idle_ttl,
        "replacedBy": each.replaced_by,
    }
    return {
        "title": each.title,
        "revision": each.revision,
        "quota": dict(each.quota),
        "limitRange": {"defaultRequest": dict(each.default_request), "default": dict(each.default)},
        "podSecurity": dict(each.pod_security),
        "networkPolicies": dict(each.network_policies),
        "allowed": {"groups": sorted(each.allowed_groups)},
        "deletionProtection": each.deletion_protection,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _policy(snapshot: policy.Policy) -> dict[str, Any]:
    patterns = (snapshot.required_labels, snapshot.required_annotations)
    labels, annotations = ({key: each.text for key, each in required.items()} for required in patterns)
    return {
        "defaultTier": snapshot.default_tier,
        "unlabelled": snapshot.unlabelled,
        "namePattern": snapshot.name_pattern.text,
        "teamSeparator": snapshot.team_separator,
        "reservedNames": sorted(snapshot.reserved_names),
        "reservedPrefixes": list(snapshot.reserved_prefixes),
        "exemptNames": sorted(snapshot.exempt_names),
        "teamGroups": snapshot.team_groups.group("{team}") if snapshot.team_groups else "",
        "adminGroups": sorted(snapshot.admin_groups),
        "requesters": sorted(snapshot.requesters),
        "appliers": sorted(snapshot.appliers),
        "controllers": sorted(snapshot.controllers),
        "requiredLabels": labels,
        "requiredAnnotations": annotations,
        "modes": dict(snapshot.modes),
        "adoption": snapshot.adoption,
    }


def _expiry(rules: policy.ExpiryRules) -> dict[str, Any]:
    return {
        "dryRun": rules.dry_run,
        "perMinute": rules.per_minute,
        "maxPercent": rules.max_percent,
        "notices": list(rules.notices),
    }


def _budget(budget: policy.Budget) -> dict[str, Any]:
    namespaces = {} if budget.namespaces is None else {"namespaces": budget.namespaces}
    return {**namespaces, **({"quota": dict(budget.quota)} if budget.quota else {})}


def _bounds(bounds: policy.Bounds) -> dict[str, str]:
    found = {"min": bounds.minimum, "max": bounds.maximum}
    return {key: value for key, value in found.items() if value is not None}
