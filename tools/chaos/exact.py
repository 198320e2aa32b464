"""Whether the cluster is as the tier catalogue says: what differs, what is too much, what is not told.

The same pure functions decide as in the controller, on what the API server has now.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from webhook.adapters import catalogue_file
from webhook.adapters.kube import resources
from webhook.adapters.kube.resources import Resource
from webhook.codec import namespace as namespaces
from webhook.core import bundle, labels, plan
from webhook.core.model import ConditionStatus, Manifest, ObjectKey, key_of
from webhook.core.policy import Policy

OURS = f"labelSelector={labels.MANAGED_BY}={labels.MANAGER}"
POLICY = catalogue_file.load(None)

CONTESTED = "Contested"

Observed = Mapping[ObjectKey, Manifest]


def managed(name: str, tier: str = "small", **annotations: str) -> Manifest:
    """A namespace as admission would have left it."""
    own = {labels.MANAGED_BY: labels.MANAGER, labels.TIER: tier, labels.TEAM: name}
    pod_security = {
        labels.POD_SECURITY[mode]: level for mode, level in POLICY.tiers[tier].pod_security.items()
    }
    metadata: dict[str, Any] = {"name": name, "labels": {**own, **pod_security}}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def wrong(plane: ControlPlane, names: Iterable[str] = (), *, policy: Policy = POLICY) -> list[str]:
    """Everything that is not as it should be, in words; of these namespaces only, or of all managed ones.

    Raises ControlPlaneError when the API server cannot be asked.
    """
    only = frozenset(names)
    found = {item["metadata"]["name"]: item for item in _every(plane, resources.NAMESPACES)}
    observed: dict[str, dict[ObjectKey, Manifest]] = defaultdict(dict)
    for resource in resources.BUNDLE.values():
        for item in _every(plane, resource):
            observed[item["metadata"]["namespace"]][key_of(item)] = item
    missing = [f"{name}: there is no such namespace" for name in sorted(only - found.keys())]
    return missing + [
        f"{name}: {each}"
        for name, manifest in sorted(found.items())
        if not only or name in only
        for each in differences(manifest, observed[name], policy)
    ]


def differences(manifest: Manifest, observed: Observed, policy: Policy = POLICY) -> list[str]:
    """What is wrong with one namespace; nothing is, while it is being deleted.

    A namespace somebody fought over is told so for a while, with its objects as they should be.
    """
    state = namespaces.state(manifest)
    if state.terminating:
        return []
    wanted = bundle.of(manifest["metadata"]["name"], state, policy)
    planned = plan.changes(wanted, observed, was_complete=True)
    orphans = observed.keys() - {key_of(each) for each in wanted.objects}
    condition = namespaces.provisioned(manifest)
    ready = condition is not None and (
        condition.status is ConditionStatus.TRUE or condition.reason == CONTESTED
    )
    return [
        *(f"{change.action} {key_of(change.manifest)}" for change in planned),
        *(f"orphan {key}" for key in sorted(orphans)),
        *([] if ready else [f"Provisioned is {condition and (condition.reason, condition.message)}"]),
    ]


def seconds_until(
    plane: ControlPlane,
    names: Iterable[str] = (),
    *,
    since: float,
    limit: float,
    processes: Iterable[Process] = (),
) -> float:
    """How long after `since` (monotonic) nothing was wrong any more; ControlPlaneError when never."""
    names, found = tuple(names), list[str]()

    def nothing_is() -> bool:
        found[:] = wrong(plane, names)
        return not found

    try:
        waiting.until(nothing_is, "the cluster to be exact", processes, limit=limit)
    except ControlPlaneError as error:
        raise ControlPlaneError(f"{error}\n" + "\n".join(found[:20])) from error
    return time.monotonic() - since


def _every(plane: ControlPlane, resource: Resource) -> list[Manifest]:
    answer = plane.api.get(f"{resource.collection}?{OURS}")
    if answer.status != 200:
        raise ControlPlaneError(f"{resource.plural} cannot be listed (status {answer.status})")
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [{**item, **kind} for item in answer.json()["items"]]
