"""Warnings: what is legal but unwise, in few words."""

import re

import pytest
from hypothesis import given, settings

from tests.core.builders import (
    ADMINS,
    CALLERS,
    ENFORCE,
    POLICY,
    STRANGER,
    UNMANAGED,
    WARN,
    Changes,
    deletion,
    facts,
    policy,
    state,
    tier,
    verdict,
    with_tier,
)
from tests.core.strategies import any_facts, opened, policies
from webhook.core import decide, labels
from webhook.core.model import Facts
from webhook.core.policy import Policy
from webhook.core.rules import RULES

DAY = 86_400
OLD = policy(
    tiers={
        "tiny": tier(name="tiny", quota={"pods": "3"}, replaced_by="small"),
        "small": tier(),
        "large": tier(name="large", quota={**tier().quota, "pods": "500", "limits.memory": "64Gi"}),
    }
)
"""A policy with a deprecated tier, and two that differ in two limits."""


def warnings(asked: Facts, chosen: Policy = OLD) -> list[str]:
    decision = verdict(asked, chosen)
    assert decision.allowed
    return list(decision.warnings)


DEPRECATED = 'tier "tiny" is deprecated: take "small" instead'


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param(facts(labels={labels.TIER: "tiny"}), [DEPRECATED], id="a new namespace takes it"),
        pytest.param(facts(), [], id="a new namespace takes another"),
        pytest.param(
            facts(labels={labels.TIER: "tiny", "note": "x"}, old=state({labels.TIER: "tiny"})),
            [],
            id="an old namespace keeps it, and is not told of it at every update",
        ),
        pytest.param(
            facts(old=state({labels.TIER: "tiny"}), groups=ADMINS), [], id="an admin moves out of it"
        ),
    ],
)
def test_a_deprecated_tier(asked: Facts, told: list[str]) -> None:
    assert warnings(asked) == told


def test_what_somebody_else_s_namespace_says_is_not_told_of() -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    asked = facts(labels={**foreign, labels.TIER: "tiny"}, old=state(foreign), groups=ADMINS)
    assert warnings(asked) == []


def test_who_moves_into_a_deprecated_tier_is_told() -> None:
    asked = facts(labels={labels.TIER: "tiny"}, old=state(), groups=ADMINS)
    assert warnings(asked)[0] == DEPRECATED


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(None, "1h", True, id="an hour"),
        pytest.param(None, "23h", True, id="nearly a day"),
        pytest.param(None, "24h", False, id="a day"),
        pytest.param(None, "7d", False, id="a week"),
        pytest.param("1h", "1h", False, id="an hour as before"),
        pytest.param("1h", "2h", True, id="another hour"),
        pytest.param("1h", None, False, id="no end any more"),
    ],
)
def test_a_short_lifetime(before: str | None, after: str | None, told: bool) -> None:
    words = f"the namespace and all in it are deleted {after} after its creation (platform/ttl)"
    asked = facts(annotations={labels.TTL: after}, old=state(annotations={labels.TTL: before}), age=60)
    assert warnings(asked) == ([words] if told else [])


def test_a_short_lifetime_of_a_new_namespace() -> None:
    assert len(warnings(facts(annotations={labels.TTL: "30m"}))) == 1
    assert warnings(facts(annotations={labels.TTL: "30d"})) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(
            "large",
            "small",
            [
                'tier "small" lowers limits.memory and 1 more: '
                "what runs above a limit stays, and nothing new starts"
            ],
            id="two limits are lower",
        ),
        pytest.param("small", "large", [], id="limits are higher"),
        pytest.param("small", "small", [], id="the tier stays"),
        pytest.param("retired", "small", [], id="nobody knows what it was"),
    ],
)
def test_a_smaller_tier(before: str, after: str, told: list[str]) -> None:
    asked = facts(labels={labels.TIER: after}, old=state({labels.TIER: before}), groups=ADMINS)
    assert warnings(asked) == told


def test_limits_are_compared_by_value() -> None:
    same = policy(tiers={"small": tier(), "other": tier(name="other", quota={"limits.cpu": "8000m"})})
    asked = facts(labels={labels.TIER: "other"}, old=state(), groups=ADMINS)
    assert warnings(asked, same) == []
    less = policy(tiers={"small": tier(), "other": tier(name="other", quota={"limits.cpu": "7999m"})})
    assert warnings(asked, less)[0].startswith('tier "other" lowers limits.cpu: ')


@pytest.mark.parametrize("after", [None, "Helm"])
def test_an_admin_who_lets_a_namespace_go(after: str | None) -> None:
    asked = facts(labels={labels.MANAGED_BY: after}, old=state(), groups=ADMINS)
    assert warnings(asked) == [
        "ns-provisioner lets go of the namespace: its quota, policies and bindings stay as they are"
    ]


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        pytest.param({}, [], id="with all levels"),
        pytest.param({ENFORCE: None}, [f"adopted without {ENFORCE}"], id="without the one that is enforced"),
        pytest.param(
            {ENFORCE: None, WARN: None}, [f"adopted without {ENFORCE}, {WARN}"], id="without any level"
        ),
    ],
)
def test_an_admin_who_adopts_a_namespace(levels: Changes, told: list[str]) -> None:
    assert warnings(facts(labels=levels, old=state(UNMANAGED), groups=ADMINS)) == told


def test_a_tier_alone_makes_no_namespace_ours() -> None:
    bare: Changes = {**UNMANAGED, labels.TIER: "small"}
    assert warnings(facts(labels=bare, old=state(UNMANAGED), groups=ADMINS)) == []


def test_a_plain_request_is_told_nothing() -> None:
    assert warnings(facts(), POLICY) == []
    assert warnings(facts(labels={"note": "x"}, old=state()), POLICY) == []
    assert warnings(deletion(state(), CALLERS["an admin"]), POLICY) == []


def test_who_is_refused_gets_no_advice() -> None:
    asked = facts(labels={labels.TIER: "tiny"}, annotations={labels.TTL: "1h"}, groups=STRANGER)
    assert verdict(asked, OLD).warnings == ()


def test_several_things_are_said_in_turn() -> None:
    asked = facts(labels={labels.TIER: "tiny"}, annotations={labels.TTL: "1h"})
    assert [text.split()[:2] for text in warnings(asked)] == [["tier", '"tiny"'], ["the", "namespace"]]


def test_a_long_name_is_cut() -> None:
    chosen = with_tier(name="x" * 63, replaced_by="y" * 63)
    (told,) = verdict(facts(), chosen).warnings
    assert len(told) == 120


def _assert_fit(warnings_: tuple[str, ...]) -> None:
    assert len(warnings_) <= 10
    for text in warnings_:
        assert re.fullmatch(r"[ -~]{1,120}", text)
        assert not text.startswith("Warning")


@settings(deadline=None)
@given(any_facts, policies)
def test_warnings_are_few_short_and_printable(asked: Facts, chosen: Policy) -> None:
    _assert_fit(decide.validate(asked, chosen).warnings)


@settings(deadline=None)
@given(any_facts)
def test_so_are_the_warnings_of_rules_that_only_warn(asked: Facts) -> None:
    chosen = opened(modes={rule.id: "warn" for rule in RULES}, team_separator="-")
    _assert_fit(decide.validate(asked, chosen).warnings)
