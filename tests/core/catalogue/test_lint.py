"""What is legal in a catalogue but probably not meant."""

from typing import Any

import pytest

from tests.core.catalogue.files import WHOLE, minimal, parsed, small
from webhook.adapters import catalogue_file
from webhook.core import lint


def found(content: object) -> list[str]:
    return [problem.path for problem in lint.findings(parsed(content))]


def test_the_built_in_catalogue_is_as_it_is_meant() -> None:
    assert list(lint.findings(catalogue_file.load(None))) == []
    assert found(minimal()) == []


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        pytest.param({"adminGroups": []}, "policy.adminGroups", id="nobody breaks glass"),
        pytest.param({"teamGroups": ""}, "policy.teamGroups", id="groups say nothing"),
        pytest.param(
            {"modes": {"name-pattern": "warn"}}, "policy.modes.name-pattern", id="a rule only warns"
        ),
        pytest.param({"modes": {"ttl-valid": "audit"}}, "policy.modes.ttl-valid", id="a rule is only noted"),
    ],
)
def test_a_setting_that_is_odd(settings: dict[str, Any], place: str) -> None:
    assert found(minimal(policy=settings)) == [place]


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        pytest.param(
            {"networkPolicies": ["allow-same-namespace"]},
            ["networkPolicies", "networkPolicies"],
            id="two of the standard policies are missing",
        ),
        pytest.param(
            {"quota": {"pods": "3", "limits.memory": "1Gi"}},
            ["limitRange.default.memory"],
            id="memory is limited, and containers that say nothing have no limit",
        ),
        pytest.param(
            {"quota": {"pods": "3", "requests.memory": "1Gi"}},
            ["limitRange.defaultRequest.memory"],
            id="memory is counted, and containers that say nothing request none",
        ),
        pytest.param({"quota": {"requests.cpu": "2"}}, ["quota.pods"], id="pods are not limited"),
        pytest.param(
            {"podSecurity": {"enforce": "privileged"}}, ["podSecurity.enforce"], id="everything may run"
        ),
        pytest.param(
            {"podSecurity": {"warn": "restricted"}}, ["podSecurity.enforce"], id="nothing is enforced"
        ),
    ],
)
def test_a_tier_that_is_odd(changes: dict[str, Any], places: list[str]) -> None:
    assert found(small(**changes)) == [f"tiers.small.{place}" for place in places]


def test_a_deprecated_default_tier_is_odd() -> None:
    content = minimal({"small": {**WHOLE, "replacedBy": "large"}, "large": WHOLE})
    assert found(content) == ["policy.defaultTier"]


def test_what_is_odd_comes_with_a_way_out() -> None:
    for problem in lint.findings(parsed(small(networkPolicies=[], quota={"limits.memory": "1Gi"}))):
        assert problem.detail
        assert problem.suggestion or problem.path.endswith("quota.pods")
