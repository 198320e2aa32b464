"""The kill comes at the request that was meant, and what is written twice is found."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tools.chaos import crash
from tools.chaos.apiproxy import Cut, Seen
from tools.chaos.crash import KillAt

NAME = "payments"


def request(method: str, path: str, *, status: int = 0, target: str = "", **query: str) -> Seen:
    return Seen(0.0, method, path, query, target or path, status)


PASS = [
    request("POST", f"/api/v1/namespaces/{NAME}/limitranges"),
    request("GET", f"/api/v1/namespaces/{NAME}/resourcequotas/default"),
    request("PATCH", f"/api/v1/namespaces/{NAME}/status", target=f"/api/v1/namespaces/{NAME}"),
]
OTHERS = [
    request("GET", "/api/v1/namespaces", watch="true"),
    request("POST", "/api/v1/namespaces/other/limitranges"),
    request("POST", f"/api/v1/namespaces/{NAME}-2/limitranges"),
    request("POST", f"/api/v1/namespaces/{NAME}/events"),
    request("PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/leader"),
]


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield running
    running.kill()
    running.wait()


async def answered(faults: KillAt, requests: list[Seen]) -> tuple[int, int]:
    """How many requests the API server has seen, and how many answers the controller."""
    seen = told = 0
    for each in requests:
        try:
            await faults.before(each)
            seen += 1
            await faults.after(each)
            told += 1
        except Cut:
            pass
    return seen, told


@pytest.mark.parametrize(
    ("number", "late", "found"),
    [
        pytest.param(0, False, (0, 0), id="before the first"),
        pytest.param(0, True, (1, 0), id="after the first"),
        pytest.param(2, False, (2, 2), id="before the last"),
        pytest.param(2, True, (3, 2), id="after the last"),
    ],
)
def test_the_kill_comes_at_its_request_and_nothing_gets_through_after_it(
    victim: subprocess.Popen[bytes], number: int, late: bool, found: tuple[int, int]
) -> None:
    faults = KillAt()
    faults.arm(victim.pid, NAME, number, late=late)
    assert asyncio.run(answered(faults, OTHERS)) == (len(OTHERS), len(OTHERS))
    assert asyncio.run(answered(faults, PASS)) == found
    assert victim.wait(20) == -9
    assert asyncio.run(answered(faults, OTHERS)) == (0, 0)


@pytest.mark.parametrize("armed", [pytest.param(False, id="never armed"), pytest.param(True, id="disarmed")])
def test_nothing_is_killed_unasked(victim: subprocess.Popen[bytes], armed: bool) -> None:
    faults = KillAt()
    if armed:
        faults.arm(victim.pid, NAME, 0, late=False)
        faults.disarm()
    assert asyncio.run(answered(faults, PASS)) == (3, 3)
    assert victim.poll() is None


QUOTA = f"/api/v1/namespaces/{NAME}/resourcequotas/default"


@pytest.mark.parametrize(
    ("seen", "twice"),
    [
        pytest.param([("PATCH", 200, QUOTA)], [], id="once"),
        pytest.param([("POST", 201, QUOTA), ("PATCH", 200, QUOTA)], [QUOTA], id="twice"),
        pytest.param([("PUT", 409, QUOTA), ("PUT", 200, QUOTA)], [], id="once in vain"),
        pytest.param([("PUT", 0, QUOTA), ("PUT", 200, QUOTA)], [], id="once before it was seen"),
        pytest.param([("DELETE", 200, QUOTA), ("POST", 201, QUOTA)], [], id="made anew"),
        pytest.param([("PATCH", 200, QUOTA + "2"), ("PATCH", 200, QUOTA)], [], id="two objects"),
        pytest.param(2 * [("PATCH", 200, QUOTA.replace(NAME, "other"))], [], id="another namespace"),
        pytest.param(2 * [("GET", 200, QUOTA)], [], id="read twice"),
    ],
)
def test_what_is_written_twice(seen: list[tuple[str, int, str]], twice: list[str]) -> None:
    requests = [request(method, path, status=status) for method, status, path in seen]
    assert crash.written_twice(requests, NAME) == twice
