"""Limits against use: exact, in whatever notation the two are written."""

import pytest

from webhook.core import usage


@pytest.mark.parametrize(
    ("hard", "used", "told"),
    [
        pytest.param(
            {"pods": "5"}, {"pods": "6"}, ("pods 6 in use, limit 5",), id="more pods than the limit"
        ),
        pytest.param({"pods": "5"}, {"pods": "5"}, (), id="exactly the limit"),
        pytest.param({"limits.cpu": "2"}, {"limits.cpu": "2000m"}, (), id="the same in another notation"),
        pytest.param(
            {"limits.cpu": "2"},
            {"limits.cpu": "2001m"},
            ("limits.cpu 2001m in use, limit 2",),
            id="a thousandth",
        ),
        pytest.param({"limits.memory": "1Gi"}, {"limits.memory": "1G"}, (), id="1G is less than 1Gi"),
        pytest.param({"pods": "5"}, {}, (), id="a use that nobody has counted yet"),
        pytest.param({}, {"pods": "6"}, (), id="a use that the new tier does not limit"),
        pytest.param(
            {"pods": "1", "services": "1"},
            {"services": "2", "pods": "2"},
            ("pods 2 in use, limit 1", "services 2 in use, limit 1"),
            id="two, in the order of the limits",
        ),
    ],
)
def test_limits_below_use(hard: dict[str, str], used: dict[str, str], told: tuple[str, ...]) -> None:
    assert usage.exceeded(hard, used) == told
