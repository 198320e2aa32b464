"""The wrong clock is the one that the product reads, and nobody else's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from tools.chaos import shifted
from webhook.adapters.clock import SystemClock


@pytest.fixture(autouse=True)
def _right_again() -> Iterator[None]:
    yield
    mock.patch.stopall()


@pytest.mark.parametrize("hours", [pytest.param(8760, id="ahead"), pytest.param(-1, id="behind")])
def test_the_clock_is_wrong_by_what_was_asked(hours: int) -> None:
    shifted.shift(hours * 3600)
    difference = SystemClock().now() - datetime.now(UTC)
    assert abs(difference - timedelta(hours=hours)) < timedelta(minutes=1)
