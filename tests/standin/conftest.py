"""A plane of its own for these tests: the node of a stand-in would be everybody's."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin.support import Namespace, until
from tools.controlplane.plane import ControlPlane
from tools.standin.node import Standin


@pytest.fixture(scope="package")
def own_plane() -> Iterator[ControlPlane]:
    with ControlPlane.start() as plane:
        yield plane


class Clock:
    """Real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(
    own_plane: ControlPlane, tmp_path: Path, clock: Clock, request: pytest.FixtureRequest
) -> Iterator[Namespace]:
    """A namespace of the test's own, and a node for it."""
    name = "n" + str(abs(hash(request.node.nodeid)) % 10**9)
    own_plane.kubectl("create", "namespace", name)
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    until(lambda: own_plane.api.get(account).status == 200, "the default account")
    with Standin.start(
        own_plane, tmp_path / "node", namespaces=(name,), kubelet_delay=0.1, clock=clock
    ) as node:
        yield Namespace(own_plane, node, name)


@pytest.fixture
def greeters() -> Iterator[list[str]]:
    """Two servers that each say their own address and close."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for server in servers:
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
    yield [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _greet(server: socket.socket) -> None:
    said = f"127.0.0.1:{server.getsockname()[1]}".encode()
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(said)
