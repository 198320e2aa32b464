"""Async tests of the web edge run on asyncio, as the product does."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
