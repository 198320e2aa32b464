"""A scripted API server and our transport to it."""

from collections.abc import AsyncIterator

import pytest

from tests.adapters.kube.faults import FaultServer, access
from webhook.adapters.kube.transport import Transport


@pytest.fixture
async def server(anyio_backend: object) -> AsyncIterator[FaultServer]:
    async with FaultServer() as running:
        yield running


@pytest.fixture
async def transport(server: FaultServer) -> AsyncIterator[Transport]:
    async with Transport(access(server.url)) as connected:
        yield connected
