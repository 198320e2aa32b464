"""The node as the cluster sees it, and every Pod bound to it: there is no other, so nothing is weighed."""

import os
import time
from typing import Any

from tools.controlplane import proc
from tools.controlplane.api import Answer, Api
from tools.standin import status
from tools.standin.cluster import Cluster, passing, said
from tools.standin.environment import Manifest
from tools.standin.errors import StandinError

NAME = "standin"
_OWNER = "standin/process"
_PATH = "/api/v1/nodes"
_ROOM = {"cpu": "64", "memory": "256Gi", "pods": "127", "ephemeral-storage": "100Gi"}


def register(cluster: Cluster) -> None:
    """Make the Node; one that a killed stand-in left is taken over, that of a living one is an error."""
    if _left_over(cluster):
        unregister(cluster)
    answer = cluster.send("POST", _PATH, _node())
    if answer.status != 201:
        raise StandinError(f"cannot register the node: {said(answer)}")


def unregister(cluster: Cluster) -> None:
    """Its Pods stay, as on a node that has lost its power."""
    cluster.send("DELETE", f"{_PATH}/{NAME}")


def owner(api: Api) -> int | None:
    """The process that serves the node, as the cluster knows it."""
    answer = api.get(f"{_PATH}/{NAME}")
    if answer.status != 200:
        return None
    pid = _annotation(answer).partition(" ")[0]
    return int(pid) if pid.isdigit() else None


def bind(cluster: Cluster, pod: Manifest) -> None:
    metadata = pod["metadata"]
    target = {"apiVersion": "v1", "kind": "Node", "name": NAME}
    whose = {"name": metadata["name"], "uid": metadata["uid"]}
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": whose, "target": target}
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding"
    answer = cluster.send("POST", path, body)
    if answer.status not in (201, 404, 409) and not passing(answer):
        raise StandinError(f"cannot bind pod {metadata['name']}: {said(answer)}")


def is_pending(pod: Manifest) -> bool:
    return not pod["spec"].get("nodeName") and not pod["spec"].get("schedulingGates")


def is_here(pod: Manifest) -> bool:
    return bool(pod["spec"].get("nodeName") == NAME)


def _left_over(cluster: Cluster) -> bool:
    answer = cluster.get(f"{_PATH}/{NAME}")
    if answer.status == 404:
        return False
    if answer.status != 200:
        raise StandinError(f"cannot look for a former node: {said(answer)}")
    served = _annotation(answer)
    pid = served.partition(" ")[0]
    if pid.isdigit() and _owner(int(pid)) == served:
        raise StandinError(f"another stand-in (process {pid}) serves this control plane: end it first")
    return True


def _annotation(node: Answer) -> str:
    return str((node.json()["metadata"].get("annotations") or {}).get(_OWNER, ""))


def _owner(pid: int) -> str:
    found = proc.identify(pid)
    return f"{found.pid} {found.started}" if found else ""


def _node() -> dict[str, Any]:
    now = status.stamp(time.time())
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the stand-in runs"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NAME,
            "labels": {"kubernetes.io/hostname": NAME, "kubernetes.io/os": "linux"},
            "annotations": {_OWNER: _owner(os.getpid())},
        },
        "status": {
            "capacity": _ROOM,
            "allocatable": _ROOM,
            "addresses": [{"type": "InternalIP", "address": status.HOST_ADDRESS}],
            "conditions": [ready | {"lastHeartbeatTime": now, "lastTransitionTime": now}],
        },
    }
