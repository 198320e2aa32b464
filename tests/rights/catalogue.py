"""A catalogue with a tier that has objects of every kind, one that has few, and expiry in earnest."""

from pathlib import Path
from typing import Any

import yaml

from tests.codec.builders import CATALOGUE
from webhook.core.model import Manifest

_RBAC = "rbac.authorization.k8s.io"
EXTRA: tuple[Manifest, ...] = (
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"team": "${team}"}},
    {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "extra"},
        "spec": {"hard": {"count/jobs.batch": "3"}},
    },
    {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "extra"},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": "auditors"}],
    },
)
FULL, BARE = "full", "small"


def write(folder: Path) -> Path:
    document: dict[str, Any] = yaml.safe_load(CATALOGUE)
    document["expiry"] = {"dryRun": False, "perMinute": 600, "maxPercent": 100}
    document["tiers"][FULL] = {"extends": BARE, "extraManifests": list(EXTRA)}
    document["tiers"][BARE]["networkPolicies"] = ["default-deny-all"]
    document["tiers"][FULL]["networkPolicies"] = ["default-deny-all", "allow-same-namespace"]
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(document))
    return path
