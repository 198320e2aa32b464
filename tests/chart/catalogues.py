"""Catalogues that make a difference to what the chart renders."""

from typing import Any

import yaml

from tests.codec.builders import document

FLUX = "system:serviceaccount:flux-system:kustomize-controller"
_EXTRA = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"team": "${team}"}},
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "viewers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "auditors"}],
    },
]
_HEIRS = {
    "tiers/vault": {"extends": "small", "deletionProtection": True, "podSecurity": {"enforce": "restricted"}},
    "tiers/safe": {"extends": "vault", "podSecurity": {"warn": None, "audit": "privileged"}},
    "tiers/open": {"extends": "safe", "deletionProtection": False, "networkPolicies": []},
    "tiers/usual": {"extends": "open", "deletionProtection": None, "networkPolicies": None},
}
_EVERY_MODE = {
    "managed-labels-immutable": "warn",
    "settings-by-owner": "warn",
    "pod-security-floor": "audit",
    "deletion-protected": "audit",
    "managed-objects": "warn",
}

CHANGES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "heirs that take back what their parents say": _HEIRS,
    "protection as the default of all": {"defaults/deletionProtection": True, **_HEIRS},
    "objects of further kinds, and another role": {"tiers/small/extraManifests": _EXTRA},
    "further kinds in an abstract tier alone": {
        "tiers/unused": {"abstract": True, "extends": "small", "extraManifests": _EXTRA}
    },
    "further kinds inherited, and taken back": {
        "tiers/unused": {"abstract": True, "extends": "small", "extraManifests": _EXTRA},
        "tiers/heir": {"extends": "unused"},
        "tiers/other": {"extends": "unused", "extraManifests": None},
    },
    "expiry in earnest": {"expiry/dryRun": False},
    "groups with a suffix, appliers and requesters": {
        "policy/teamGroups": "oidc:{team}-developers",
        "policy/appliers": [FLUX, "argo"],
        "policy/requesters": ["ci-robot", "system:serviceaccount:ns-provisioner:ns-provisioner-api"],
        "policy/exemptNames": ["cert-manager", "ns-provisioner", "flux-system", "flux-system"],
    },
    "no groups of teams": {"policy/teamGroups": ""},
    "texts that need an escape": {
        "policy/adminGroups": ['a"b', "a\\b", "<admins> & {{ friends }}", "gro\u00dfe", "\U0001f600", "it's"],
        "policy/teamGroups": '"{team}\\',
    },
    "rules that warn or only note": {"policy/modes": _EVERY_MODE},
    "nothing enforced by a policy": {
        "policy/modes": dict.fromkeys(["managed-objects", "no-owner-references"], "audit")
    },
}


def text(change: dict[str, Any]) -> str:
    """The file of a catalogue: the built-in one with a change."""
    return yaml.safe_dump(document(change), sort_keys=False, allow_unicode=True)
