"""A Pod's status from the states of its containers: pure, and all that others see of the stand-in's work."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.standin.environment import Manifest

HOST_ADDRESS = "127.0.0.1"
OURS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")


@dataclass(slots=True)
class ContainerState:
    """`state` and `last` are as in a containerStatus: {"waiting": {...}}, {"running": {...}}, ..."""

    name: str
    image: str
    state: dict[str, Any] = field(default_factory=lambda: waiting("ContainerCreating"))
    last: dict[str, Any] = field(default_factory=dict)
    ready: bool = False
    started: bool = False
    restarts: int = 0
    identity: str = ""

    @property
    def exit_code(self) -> int | None:
        """None while it has not ended, or will be started again."""
        ended = self.state.get("terminated")
        return int(ended["exitCode"]) if ended else None


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def running(since: float) -> dict[str, Any]:
    return {"running": {"startedAt": stamp(since)}}


def terminated(code: int, since: float, until: float, identity: str) -> dict[str, Any]:
    reason = "Completed" if code == 0 else "Error"
    times = {"startedAt": stamp(since), "finishedAt": stamp(until)}
    return {"terminated": {"exitCode": code, "reason": reason, "containerID": identity} | times}


def phase(containers: Sequence[ContainerState], restart_policy: str) -> str:
    codes = [each.exit_code for each in containers]
    if restart_policy != "Always" and None not in codes:
        return "Succeeded" if not any(codes) else "Failed"
    began = all("waiting" not in each.state or each.restarts or each.last for each in containers)
    return "Running" if began else "Pending"


def build(
    restart_policy: str,
    containers: Sequence[ContainerState],
    ip: str,
    began: float,
    former: Sequence[Manifest],
    now: float,
) -> dict[str, Any]:
    """The fields that a kubelet owns, as of `now`, after the `former` conditions; times in Unix seconds."""
    becomes = phase(containers, restart_policy)
    ready = becomes == "Running" and all(each.ready for each in containers)
    over = "PodCompleted" if becomes in ("Succeeded", "Failed") else "ContainersNotReady"
    truths = {
        "PodReadyToStartContainers": True,
        "Initialized": True,
        "ContainersReady": ready,
        "Ready": ready,
    }
    known = {each["type"]: each for each in former}
    return {
        "phase": becomes,
        "startTime": stamp(began),
        "hostIP": HOST_ADDRESS,
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": [_condition(each, truths[each], over, known.get(each), now) for each in OURS],
        "containerStatuses": [_container(each) for each in containers],
    }


def is_ready(pod: Manifest) -> bool:
    """What the API server knows of it; one that is being deleted serves nobody new."""
    conditions = pod.get("status", {}).get("conditions") or []
    return "deletionTimestamp" not in pod["metadata"] and any(
        each["type"] == "Ready" and each["status"] == "True" for each in conditions
    )


def selects(selector: Iterable[tuple[str, str]], pod: Manifest) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in selector)


def stamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(kind: str, true: bool, reason: str, former: Manifest | None, now: float) -> dict[str, Any]:
    """The time is when it last changed, which availability is counted from."""
    status = "True" if true else "False"
    kept = former is not None and former["status"] == status
    since = former["lastTransitionTime"] if former and kept else stamp(now)
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": since,
        "reason": None if true else reason,
    }


def _container(each: ContainerState) -> dict[str, Any]:
    return {
        "name": each.name,
        "image": each.image,
        "imageID": "",
        "containerID": each.identity,
        "ready": each.ready,
        "started": each.started,
        "restartCount": each.restarts,
        "state": each.state,
        "lastState": each.last,
    }
