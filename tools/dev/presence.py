"""Whether the admission pair and the policies are at work on a plane, by what they do to dry runs."""

import json
from collections.abc import Iterable

from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process

_PROBE = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-probe"}}'
_GUARD_PROBE = (
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe",'
    ' "labels": {"app.kubernetes.io/managed-by": "ns-provisioner"}}}'
)
_CONFIG_MAP_WRITER = "system:serviceaccount:kube-system:root-ca-cert-publisher"


def wait(plane: ControlPlane, processes: Iterable[Process]) -> None:
    """Until both are; an error when one of the processes has ended."""
    alive = list(processes)
    waiting.until(lambda: is_registered(plane), "the webhooks to be called", alive)
    waiting.until(lambda: is_guarded(plane), "the admission policies to be in force", alive)


def is_registered(plane: ControlPlane) -> bool:
    """Both hooks have been seen at work: one denies a reserved name whose labels the other filled in."""
    answer = plane.api.send("POST", "/api/v1/namespaces?dryRun=All", json.loads(_PROBE))
    return answer.status == 422 and b"reserved-name" in answer.body and b"tier-exists" not in answer.body


def is_guarded(plane: ControlPlane) -> bool:
    """A user that RBAC lets write ConfigMaps is refused one with our label."""
    path, user = (
        "/api/v1/namespaces/default/configmaps?dryRun=All",
        {"Impersonate-User": _CONFIG_MAP_WRITER},
    )
    answer = plane.api.send("POST", path, json.loads(_GUARD_PROBE), headers=user)
    return answer.status == 403 and b"managed-objects" in answer.body
