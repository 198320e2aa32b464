"""The annotation platform/quota: what a request may set, and within which bounds."""

import pytest

from tests.core.builders import (
    ADMINS,
    CALLERS,
    POLICY,
    UNMANAGED,
    Changes,
    deletion,
    facts,
    policy,
    rules,
    state,
    tier,
    verdict,
    violations,
    with_tier,
)
from webhook.core import labels
from webhook.core.model import Decision
from webhook.core.policy import Bounds

OPEN = with_tier(
    overrides={
        "requests.cpu": Bounds("1", "8"),
        "pods": Bounds(maximum="100"),
        "limits.memory": Bounds(minimum="1Gi"),
    }
)
"""A policy whose tier small lets a request set three limits."""

ALLOWED = "requests.cpu from 1 up to 8, pods up to 100, limits.memory from 1Gi with no upper bound"


def quota(value: str | None) -> Changes:
    return {labels.QUOTA: value}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("requests.cpu=6", id="one limit"),
        pytest.param("requests.cpu=6,pods=30,limits.memory=9Gi", id="all three"),
        pytest.param(" requests.cpu = 6 , pods = 30 ", id="with spaces"),
        pytest.param("requests.cpu=6,\n  pods=30\n", id="on lines of their own"),
        pytest.param("requests.cpu=6,", id="a comma at the end"),
        pytest.param("requests.cpu=1", id="the least"),
        pytest.param("requests.cpu=8", id="the most"),
        pytest.param("requests.cpu=1000m", id="the least in another unit"),
        pytest.param("requests.cpu=8e0", id="the most with an exponent"),
        pytest.param("pods=0", id="nothing at all, where there is no least"),
        pytest.param("limits.memory=4Ti", id="very much, where there is no most"),
        pytest.param("", id="no limit at all"),
    ],
)
def test_within_bounds(value: str) -> None:
    assert verdict(facts(annotations=quota(value)), OPEN) == Decision()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param("requests.cpu=9", '"requests.cpu" 9 is above 8', id="too much"),
        pytest.param("requests.cpu=8001m", '"requests.cpu" 8001m is above 8', id="a little too much"),
        pytest.param("requests.cpu=500m", '"requests.cpu" 500m is below 1', id="too little"),
        pytest.param("limits.memory=1023Mi", '"limits.memory" 1023Mi is below 1Gi', id="a Mi too little"),
        pytest.param("limits.memory=1G", '"limits.memory" 1G is below 1Gi', id="the other giga"),
        pytest.param("pods=-1", '"pods" -1 is negative', id="less than nothing"),
        pytest.param("pods=1.5", '"pods" 1.5 is not a whole number', id="half a pod"),
        pytest.param("pods=many", '"pods" needs a quantity, not "many"', id="a word"),
        pytest.param("pods=", '"pods" needs a quantity, not ""', id="nothing behind the sign"),
        pytest.param("pods", '"pods" needs a quantity, not ""', id="no sign"),
        pytest.param("pods=1=2", '"pods" needs a quantity, not "1=2"', id="two signs"),
        pytest.param("pods=٣", '"pods" needs a quantity, not "\\u0663"', id="a digit of another script"),
        pytest.param("secrets=3", '"secrets" cannot be set', id="a limit that the tier keeps"),
        pytest.param("Pods=3", '"Pods" cannot be set', id="a capital"),
        pytest.param("=3", '"" cannot be set', id="a limit without a name"),
        pytest.param("pods=3;secrets=1", '"pods" needs a quantity, not "3;secrets=1"', id="a semicolon"),
        pytest.param("\x1b[31m=1", '"\\u001b[31m" cannot be set', id="a terminal's escape"),
    ],
)
@pytest.mark.parametrize("groups", [("team-payments",), ADMINS], ids=["by a tenant", "by an admin"])
def test_out_of_bounds(value: str, sent: str, groups: tuple[str, ...]) -> None:
    (found,) = violations(facts(annotations=quota(value), groups=groups), OPEN)
    assert (found.rule, found.path) == ("quota-in-bounds", "metadata.annotations[platform/quota]")
    assert (found.sent, found.allowed) == (sent, ALLOWED)
    assert found.suggestion == 'for instance "requests.cpu=4"'
    assert not found.forbidden
    assert verdict(facts(annotations=quota("requests.cpu=4")), OPEN).allowed


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = violations(facts(annotations=quota("requests.cpu=9, pods=x, secrets=1, limits.memory=2Gi")), OPEN)
    assert [violation.sent.split('"')[1] for violation in found] == ["requests.cpu", "pods", "secrets"]


@pytest.mark.parametrize("value", ["pods=1", "junk", "=", "requests.cpu=4"])
def test_a_tier_that_says_nothing_lets_nothing_be_set(value: str) -> None:
    (found,) = violations(facts(annotations=quota(value)))
    assert found.allowed == "nothing: tier small has its limits as they are"
    assert found.suggestion == "leave the annotation out, or take a larger tier"


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param(None, "pods=30", [], id="it is added"),
        pytest.param("pods=30", "pods=31", [], id="it changes"),
        pytest.param("pods=30", None, [], id="it is taken away"),
        pytest.param("pods=300", "pods=300", [], id="a wrong one from before stays"),
        pytest.param("pods=300", "pods=301", ["quota-in-bounds"], id="a wrong one becomes another"),
        pytest.param("pods=30", "pods=300", ["quota-in-bounds"], id="it becomes wrong"),
    ],
)
def test_a_change(before: str | None, after: str | None, broken: list[str]) -> None:
    asked = facts(annotations=quota(after), old=state(annotations=quota(before)))
    assert rules(asked, OPEN) == broken


@pytest.mark.parametrize(("value", "broken"), [("pods=30", []), ("pods=300", ["quota-in-bounds"])])
def test_another_tier_looks_at_it_anew(value: str, broken: list[str]) -> None:
    chosen = policy(tiers={**OPEN.tiers, "large": tier(name="large")})
    old = state(labels={labels.TIER: "large"}, annotations=quota(value))
    asked = facts(annotations=quota(value), old=old, groups=ADMINS)
    assert rules(asked, chosen) == broken


@pytest.mark.parametrize(("value", "broken"), [("pods=30", []), ("pods=300", ["quota-in-bounds"])])
@pytest.mark.parametrize(
    "before",
    [
        pytest.param(UNMANAGED, id="that was nobody's"),
        pytest.param({labels.MANAGED_BY: None}, id="that was let go, and kept its other labels"),
    ],
)
def test_an_adopted_namespace_keeps_to_its_tier_s_bounds(
    before: Changes, value: str, broken: list[str]
) -> None:
    old = state(labels=before, annotations=quota(value))
    assert rules(facts(annotations=quota(value), old=old, groups=ADMINS), OPEN) == broken


def test_a_namespace_of_somebody_else_may_say_what_it_likes() -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    asked = facts(labels=foreign, annotations=quota("junk"), old=state(labels=foreign))
    assert rules(asked, OPEN) == []


def test_a_wrong_one_keeps_nobody_from_deleting() -> None:
    asked = deletion(state(annotations=quota("junk")), CALLERS["a member of the team"])
    assert verdict(asked, OPEN) == Decision()


def test_the_built_in_tiers_let_nothing_be_set() -> None:
    for name in POLICY.tiers:
        asked = facts(labels={labels.TIER: name}, annotations=quota("pods=1"))
        assert rules(asked) == ["quota-in-bounds"]
