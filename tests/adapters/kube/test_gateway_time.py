"""How often the waiting for `Provisioned` asks the API server, in virtual time."""

from collections.abc import AsyncGenerator, Callable

import pytest

from tests.adapters.kube.faults import manifest, status
from tests.adapters.kube.scripted import ScriptedTransport
from tests.controller import virtualtime
from webhook.adapters.kube.gateway import NamespaceGateway
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

SECONDS = 15.0


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


def streams(*events: Manifest) -> Callable[[], AsyncGenerator[Manifest]]:
    async def watch() -> AsyncGenerator[Manifest]:
        for one in events:
            yield one

    return watch


@pytest.mark.parametrize(
    "watch",
    [
        pytest.param(streams(), id="ends at once"),
        pytest.param(
            streams({"type": "ERROR", "object": status(410, "Expired", "too old")}),
            id="says that the version is too old",
        ),
        pytest.param(streams({"type": "BOOKMARK", "object": manifest()}), id="says something else"),
    ],
)
async def test_there_is_no_storm_of_requests_when_every_watch(
    watch: Callable[[], AsyncGenerator[Manifest]],
) -> None:
    transport = ScriptedTransport(get=manifest, watch=watch)
    assert await NamespaceGateway(transport).wait_provisioned("payments", seconds=SECONDS) is None
    assert virtualtime.running_loop().time() == pytest.approx(SECONDS)
    assert transport.total() <= 200
