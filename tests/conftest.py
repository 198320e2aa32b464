"""What all tests share: one real control plane a session, with the product running on it."""

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.controlplane.plane import ControlPlane
from tools.dev import accounts
from tools.dev.installation import Installation
from webhook.core import rights

_numbers = itertools.count(1)


_LAST = "tests/rights/test_session.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What judges the whole session comes at its end."""
    items.sort(key=lambda item: item.nodeid.startswith(_LAST))


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """A developer who sourced .run/env must not change what the tests see."""
    for name in [name for name in os.environ if name.startswith("NSP_") and name not in _KEPT] + [
        "KUBECONFIG"
    ]:
        os.environ.pop(name, None)


_KEPT = {"NSP_CACHE_DIR", "NSP_ASSETS", "NSP_GO"}


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> None:
    """A shell that starts us in the background has Ctrl-C ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def plane(_clean_environment: None) -> Iterator[ControlPlane]:
    """Shared by all tests, which keep out of each other's way by the names they use.

    What our accounts do on it is written down: tests/rights/test_session.py looks at it in the end.
    """
    with ControlPlane.start(audit=True, audited=accounts.users(rights.ROLES)) as running:
        yield running


@pytest.fixture(scope="session")
def product(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The product as people install it: the chart, with the real helm and cert-manager."""
    running = Installation.start(plane, tmp_path_factory.mktemp("product"))
    yield running
    running.stop()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A namespace name that no other test uses."""
    return f"t{next(_numbers)}-test"


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parent / "fixtures"
