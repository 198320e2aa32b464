"""What was on its way when the time ran out does not leave the process."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, access
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import ClusterUnavailableError

pytestmark = pytest.mark.anyio

PATH = "/api/v1/namespaces/payments/configmaps"


class Fence:
    """Open for so many looks, then closed: as if the process had been frozen right after the last."""

    def __init__(self, looks: int) -> None:
        self._answers: Iterator[float] = chain(repeat(10.0, looks), repeat(0.0))

    def __call__(self) -> float:
        return next(self._answers)


async def test_a_write_that_passed_the_first_look_is_held_back_by_the_last() -> None:
    async with FaultServer() as server, Transport(access(server.url)) as transport:
        server.script("POST", PATH, faults.ok({"kind": "ConfigMap"}))
        with pytest.raises(ClusterUnavailableError):
            await transport.fenced(Fence(1)).create(PATH, {})
        assert server.requests == []


async def test_so_it_is_on_a_connection_that_was_there_already() -> None:
    async with FaultServer() as server, Transport(access(server.url)) as transport:
        server.script("POST", PATH, faults.ok({"kind": "ConfigMap"}))
        view = transport.fenced(fence := Fence(1000))
        await view.create(PATH, {})
        fence._answers = chain([10.0], repeat(0.0))
        with pytest.raises(ClusterUnavailableError):
            await view.create(PATH, {})
        assert len(server.requests) == 1


async def test_the_transport_itself_goes_on() -> None:
    async with FaultServer() as server, Transport(access(server.url)) as transport:
        server.script("POST", PATH, faults.ok({"kind": "ConfigMap"}))
        transport.fenced(Fence(0))
        await transport.create(PATH, {})
        assert len(server.requests) == 1


async def test_whoever_leads_again_writes_again() -> None:
    async with FaultServer() as server, Transport(access(server.url)) as transport:
        server.script("POST", PATH, faults.ok({"kind": "ConfigMap"}))
        view = transport.fenced(fence := Fence(1))
        with pytest.raises(ClusterUnavailableError):
            await view.create(PATH, {})
        fence._answers = repeat(10.0)
        await view.create(PATH, {})
        assert len(server.requests) == 1
