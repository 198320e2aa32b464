"""What the tests of the web edge share."""

from pathlib import Path

import pytest

from webhook.adapters import pki


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA and a pair for localhost."""
    folder = tmp_path_factory.mktemp("pair")
    pki.make_pair(folder, ["localhost"])
    return folder
