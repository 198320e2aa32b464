"""A Pod's status follows from its containers."""

import pytest

from tools.standin import status
from tools.standin.status import ContainerState

OVER, BROKEN = (status.terminated(code, 0, 1, "") for code in (0, 3))
UP, WAITS = status.running(0), status.waiting("CrashLoopBackOff")


@pytest.mark.parametrize(
    ("states", "policy", "phase"),
    [
        pytest.param([status.waiting("ContainerCreating")], "Always", "Pending", id="not started yet"),
        pytest.param([UP, status.waiting("ErrImagePull")], "Always", "Pending", id="one not started yet"),
        pytest.param([UP, UP], "Always", "Running", id="all started"),
        pytest.param([OVER, UP], "Never", "Running", id="one still runs"),
        pytest.param([OVER, OVER], "Never", "Succeeded", id="all have succeeded"),
        pytest.param([OVER, BROKEN], "Never", "Failed", id="one has failed"),
        pytest.param([OVER], "Always", "Running", id="it will be started again"),
    ],
)
def test_phase(states: list[dict[str, object]], policy: str, phase: str) -> None:
    assert status.phase([ContainerState("c", "i", state) for state in states], policy) == phase


def test_a_container_between_two_lives_leaves_the_pod_running() -> None:
    assert status.phase([ContainerState("c", "i", WAITS, last=BROKEN)], "Always") == "Running"


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    container = ContainerState("c", "i", UP, ready=True)
    first = status.build("Always", [container], "127.9.9.9", 0, [], 10)
    same = status.build("Always", [container], "127.9.9.9", 0, first["conditions"], 20)
    assert same == first
    container.ready = False
    later = status.build("Always", [container], "127.9.9.9", 0, first["conditions"], 30)
    times = {each["type"]: each["lastTransitionTime"][-3:-1] for each in later["conditions"]}
    assert times == {
        "PodReadyToStartContainers": "10",
        "Initialized": "10",
        "ContainersReady": "30",
        "Ready": "30",
    }


@pytest.mark.parametrize(
    ("ready", "deleted", "serves"), [("True", False, True), ("True", True, False), ("False", False, False)]
)
def test_who_serves(ready: str, deleted: bool, serves: bool) -> None:
    metadata = {"deletionTimestamp": "now"} if deleted else {}
    conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}]
    assert status.is_ready({"metadata": metadata, "status": {"conditions": conditions}}) == serves
    assert not status.is_ready({"metadata": {}})
