"""The churn makes, deletes and damages as often as it says, on an API server that takes its time."""

import asyncio
from typing import Any

import pytest

from tools.scale.churn import Churn
from tools.scale.client import Client
from webhook.core.model import ObjectKey

KEY = ObjectKey("ConfigMap", "c")


class SlowClient(Client):
    """Stands in for the API server: remembers what was asked, and answers a turn of the loop later."""

    def __init__(self, *, missing: bool) -> None:
        self.asked: list[tuple[str, str]] = []
        self._missing = missing

    async def find(self, path: str) -> Any:
        await asyncio.sleep(0)
        return None if self._missing else {"metadata": {"labels": {}}, "data": {"a": "b"}}

    async def send(self, method: str, path: str, body: Any = None, **_: Any) -> Any:
        await asyncio.sleep(0)
        self.asked.append((method, path))

    async def attempt(self, method: str, path: str, body: Any = None, **_: Any) -> bool:
        await self.send(method, path)
        return True


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("missing", "damaged"),
    [
        pytest.param(False, 10, id="each turn damages an object"),
        pytest.param(True, 0, id="what is not there is not damaged"),
    ],
)
async def test_turns_that_overlap_are_all_counted(missing: bool, damaged: int) -> None:
    client = SlowClient(missing=missing)
    churn = Churn(client, ["one", "two"], [KEY], rate=1.0, turns=4)
    await asyncio.gather(*(churn._turn(0.0) for _ in range(10)))
    assert (churn.made, churn.deleted, churn.damaged) == (10, 6, damaged)
    made = [path for method, path in client.asked if (method, path) == ("POST", "/api/v1/namespaces")]
    gone = [path for method, path in client.asked if path.startswith("/api/v1/namespaces/churn-")]
    assert (len(made), len(gone), len(set(gone))) == (10, 6, 6)
