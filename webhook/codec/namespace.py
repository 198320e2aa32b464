"""Namespace manifests: raw dicts to core values and back."""

from collections.abc import Mapping
from typing import Any

from webhook.core import labels
from webhook.core.model import Condition, ConditionStatus, Manifest, NamespaceState


def state(manifest: Manifest) -> NamespaceState:
    metadata = manifest["metadata"]
    owners = metadata.get("ownerReferences") or ()
    return NamespaceState(
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        owners=tuple(map(_owner, owners)),
        finalizers=tuple((manifest.get("spec") or {}).get("finalizers") or ()),
        terminating="deletionTimestamp" in metadata,
    )


def identity(manifest: Manifest) -> tuple[str, str, str]:
    """Name, team and tier; what is not stated is empty."""
    metadata = manifest["metadata"]
    given = metadata.get("labels") or {}
    return metadata["name"], given.get(labels.TEAM, ""), given.get(labels.TIER, "")


def _owner(reference: Mapping[str, str]) -> str:
    return f"{reference.get('kind', '')}/{reference.get('name', '')} {reference.get('uid', '')}"


def manifest(name: str, content: NamespaceState) -> Manifest:
    metadata: dict[str, Any] = {"name": name}
    if content.labels:
        metadata["labels"] = dict(content.labels)
    if content.annotations:
        metadata["annotations"] = dict(content.annotations)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def provisioned(manifest: Manifest) -> Condition | None:
    """What the `Provisioned` condition says now; None when there is none yet."""
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    for condition in conditions:
        if condition.get("type") == labels.PROVISIONED:
            return Condition(
                status=_status(condition.get("status")),
                reason=condition.get("reason", ""),
                message=condition.get("message", ""),
                since=condition.get("lastTransitionTime", ""),
            )
    return None


def _status(text: object) -> ConditionStatus:
    """Whatever is not True or False is Unknown: others can write conditions, too."""
    return next((status for status in ConditionStatus if status == text), ConditionStatus.UNKNOWN)


def status_patch(name: str, condition: Condition, *, since: str, uid: str | None = None) -> Manifest:
    """The server-side-apply body that sets the condition; with `uid`, of that namespace and no namesake.

    `since` is RFC 3339 UTC.
    """
    entry: Mapping[str, str] = {
        "type": labels.PROVISIONED,
        "status": condition.status.value,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": since,
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "uid": uid} if uid else {"name": name},
        "status": {"conditions": [dict(entry)]},
    }
