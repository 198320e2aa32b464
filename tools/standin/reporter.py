"""Tells the API server of one Pod what a kubelet tells, and takes the Pod away at its end."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from tools.standin import status
from tools.standin.cluster import STRATEGIC, Cluster, passing, said
from tools.standin.environment import Manifest
from tools.standin.errors import StandinError
from tools.standin.status import ContainerState

_AGAIN_SECONDS = 0.05


class Reporter:
    """`conditions` are those last told."""

    def __init__(self, cluster: Cluster, pod: Manifest, ip: str, now: Callable[[], float]) -> None:
        metadata = pod["metadata"]
        self.conditions: list[Manifest] = pod.get("status", {}).get("conditions") or []
        self._cluster, self._ip, self._now = cluster, ip, now
        self._uid, self._name = metadata["uid"], metadata["name"]
        self._path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        self._policy = pod["spec"].get("restartPolicy", "Always")
        self._began = now()
        self._told: dict[str, Any] = {}

    def report(self, states: Sequence[ContainerState]) -> None:
        """If there is something new; again with the next call when the API server does not answer."""
        wanted = status.build(self._policy, states, self._ip, self._began, self.conditions, self._now())
        if _timeless(wanted) == self._told:
            return
        body = {"metadata": {"uid": self._uid}, "status": wanted}
        answer = self._cluster.send("PATCH", f"{self._path}/status", body, STRATEGIC)
        if answer.status == 200:
            self._told, self.conditions = _timeless(wanted), wanted["conditions"]
        elif answer.status not in (404, 409) and not passing(answer):
            raise StandinError(f"the status of pod {self._name} is refused: {said(answer)}")

    def remove(self, unless: Callable[[], bool]) -> None:
        """Nothing of it runs any more. Tried until the API server answers, `unless` it has gone meanwhile."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self._uid}}
        while not unless() and passing(self._cluster.send("DELETE", self._path, body)):
            time.sleep(_AGAIN_SECONDS)


def _timeless(wanted: dict[str, Any]) -> dict[str, Any]:
    """What is worth telling: the time alone is not."""
    bare = [{key: each[key] for key in ("type", "status")} for each in wanted["conditions"]]
    return wanted | {"conditions": bare}
