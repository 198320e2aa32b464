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
_SHARED = {"plane", "product"}
_TOGETHER = {"attack", "chaos", "controlplane", "dev", "image", "installed", "rights", "scale", "standin"}
"""Folders whose tests share something of their own, such as a plane."""


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What judges the whole session comes at its end; and `make test` runs two groups of tests at a time.

    All that share the session's plane are one group, which begins first, for it takes longest.
    """
    groups = {item: _group(item) for item in items}
    items.sort(key=lambda item: (groups[item] != "session", item.nodeid.startswith(_LAST)))
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))


def _group(item: pytest.Item) -> str:
    if _SHARED & set(getattr(item, "fixturenames", ())):
        return "session"
    folder = item.nodeid.split("/")[1]
    return folder if folder in _TOGETHER else item.nodeid.partition("::")[0]


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
