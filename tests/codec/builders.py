"""Complete reviews and catalogue documents of which a test changes one part."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import yaml

from tests.core.builders import TENANT, Changes, state
from webhook.codec import review as codec
from webhook.core.model import Manifest

CATALOGUE = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
"""The built-in catalogue as text."""

CREATED = "2026-01-02T03:04:05Z"
"""When the namespaces of our reviews were made."""

NOW = datetime(2026, 1, 2, 3, 5, 15, tzinfo=UTC)
"""Seventy seconds later: what reviews are decoded at."""

DROP = object()
"""Takes a key away where a value would set it."""


def namespace(
    name: str = "payments", labels: Changes | None = None, annotations: Changes | None = None
) -> Manifest:
    """A managed Namespace as the API server sends it, with changes."""
    content = state(labels, annotations)
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "uid": "a4f3c8f0-0c7c-4a43-9d76-7f4f5a0e4c11",
            "creationTimestamp": CREATED,
            "labels": {**content.labels, "kubernetes.io/metadata.name": name},
            "annotations": dict(content.annotations),
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:metadata": {"f:labels": {".": {}}}}}],
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def review(**changes: Any) -> Manifest:
    """A CREATE of a legal namespace by a tenant; `changes` replace or DROP fields of the request."""
    kind = {"group": "", "version": "v1", "kind": "Namespace"}
    resource = {"group": "", "version": "v1", "resource": "namespaces"}
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": "payments",
        "operation": "CREATE",
        "userInfo": {
            "username": "jane",
            "uid": "014fbff9a07c",
            "groups": list(TENANT),
            "extra": {"authentication.kubernetes.io/credential-id": ["X509SHA256=0a"]},
        },
        "object": namespace(),
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl"},
        **changes,
    }
    kept = {key: value for key, value in request.items() if value is not DROP}
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": kept}


def update(**changes: Any) -> Manifest:
    """An UPDATE that changes nothing."""
    return review(**{"operation": "UPDATE", "oldObject": namespace(), **changes})


def delete(**changes: Any) -> Manifest:
    """A DELETE of that namespace, as each one of a deletion by label arrives, too."""
    return review(**{"operation": "DELETE", "object": None, "oldObject": namespace(), **changes})


def body(content: object) -> bytes:
    """As an API server sends it: compact, with a line's end."""
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def decode(content: object) -> codec.Review:
    """Read a review, given as bytes or as what they say."""
    return codec.decode(content if isinstance(content, bytes) else body(content), NOW)


def document(changes: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The built-in catalogue, with changes by path (`tiers/small/quota/pods`); DROP takes away."""
    root: dict[str, Any] = yaml.safe_load(CATALOGUE)
    for path, value in (changes or {}).items():
        *parents, last = path.split("/")
        target = root
        for step in parents:
            target = target[step]
        if value is DROP:
            del target[last]
        else:
            target[last] = copy.deepcopy(value)
    return root


def catalogue_text(changes: Mapping[str, object]) -> str:
    return yaml.safe_dump(document(changes), sort_keys=False)
