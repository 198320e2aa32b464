"""Which tiers there are, and for whom."""

import pytest

from tests.core.builders import (
    ADMINS,
    CALLERS,
    POLICY,
    STRANGER,
    UNMANAGED,
    Changes,
    asked_by,
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
from webhook.core.model import Decision, Violation


@pytest.mark.parametrize(
    ("tier", "sent", "guess"),
    [
        pytest.param("smal", '"smal" is not a tier', "small", id="a typing error"),
        pytest.param("Medium", '"Medium" is not a tier', "medium", id="a capital"),
        pytest.param("XL", '"XL" is not a tier', "large", id="a shirt size"),
        pytest.param("m", '"m" is not a tier', "medium", id="a small shirt size"),
        pytest.param("small ", '"small " is not a tier', "small", id="a space behind"),
        pytest.param("small\n", '"small\\n" is not a tier', "small", id="a newline behind"),
        pytest.param("base", '"base" is not a tier', "large", id="one that others extend"),
        pytest.param("", '"" is not a tier', "small", id="an empty label"),
        pytest.param(None, "the label is missing", "small", id="no label"),
    ],
)
def test_tier_exists(tier: str | None, sent: str, guess: str) -> None:
    assert violations(facts(labels={labels.TIER: tier})) == (
        Violation(
            rule="tier-exists",
            path="metadata.labels[platform/tier]",
            sent=sent,
            allowed="freemium, small, medium, large",
            suggestion=f'try platform/tier: "{guess}"',
        ),
    )


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param("retired", "retired", [], id="one that is gone stays"),
        pytest.param(None, None, [], id="one that was never there stays away"),
        pytest.param("retired", "small", [], id="one that is gone is replaced"),
        pytest.param("small", "retired", ["tier-exists"], id="one that is gone is asked for"),
        pytest.param("small", None, ["tier-exists"], id="it is taken away"),
        pytest.param("small", "", ["tier-exists"], id="it is emptied"),
    ],
)
def test_an_admin_changes_the_tier(before: str | None, after: str | None, broken: list[str]) -> None:
    old = state(labels={labels.TIER: before})
    assert rules(facts(labels={labels.TIER: after}, old=old, groups=ADMINS)) == broken


@pytest.mark.parametrize(
    ("after", "broken"), [("small", []), ("retired", ["tier-exists"]), (None, ["tier-exists"])]
)
def test_an_admin_who_adopts_a_namespace_names_a_tier(after: str | None, broken: list[str]) -> None:
    """Also where the label was there before, and stays as it was."""
    for before in (after, "freemium"):
        old = state(labels={**UNMANAGED, labels.TIER: before})
        assert rules(facts(labels={labels.TIER: after}, old=old, groups=ADMINS)) == broken


def test_nobody_asks_a_namespace_of_somebody_else_for_its_tier() -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm", labels.TIER: "theirs"}
    asked = facts(labels={**foreign, "note": "x"}, old=state(labels=foreign))
    assert verdict(asked) == Decision()
    renamed = facts(labels={**foreign, labels.TIER: "another"}, old=state(labels=foreign), groups=ADMINS)
    assert verdict(renamed) == Decision()


FOR_SHOP = with_tier(allowed_groups=frozenset({"team-shop", "vip"}))
"""A policy whose tier small is for two groups only."""


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("a member of the team", False),
        ("somebody in no team", False),
        ("our controller", False),
        ("a requester", True),
        ("an applier", True),
        ("an admin", True),
    ],
)
def test_tier_allowed(who: str, allowed: bool) -> None:
    asked = asked_by(CALLERS[who], facts(annotations={labels.REQUESTED_BY: CALLERS[who].username}))
    assert ("tier-allowed" not in rules(asked, FOR_SHOP)) is allowed
    assert "tier-allowed" not in rules(asked, policy())


@pytest.mark.parametrize(
    ("groups", "allowed"),
    [
        pytest.param((), False, id="no group at all"),
        pytest.param(("team-shopping",), False, id="a group whose name begins alike"),
        pytest.param(("team-shop\n",), False, id="a newline behind"),
        pytest.param(("TEAM-SHOP",), False, id="capitals"),
        pytest.param(("*",), False, id="a group called like the sign for everybody"),
        pytest.param(("team-shop",), True, id="one of the two groups"),
        pytest.param(("vip", "team-payments"), True, id="the other one"),
    ],
)
def test_a_tier_is_for_its_groups(groups: tuple[str, ...], allowed: bool) -> None:
    asked = facts(groups=("team-payments", *groups))
    assert rules(asked, FOR_SHOP) == ([] if allowed else ["tier-allowed"])


def test_what_is_said_of_a_tier_for_others() -> None:
    (found,) = violations(facts(), FOR_SHOP)
    assert found == Violation(
        rule="tier-allowed",
        path="metadata.labels[platform/tier]",
        sent='tier "small" is not for everybody',
        allowed="members of team-shop, vip",
        suggestion='try platform/tier: "large"',
        forbidden=True,
    )
    again = facts(labels={labels.TIER: found.suggestion.split('"')[1]})
    assert verdict(again, FOR_SHOP) == Decision()


def test_a_tier_that_is_for_the_caller_too_is_suggested() -> None:
    chosen = policy(
        tiers={**FOR_SHOP.tiers, "smaller": tier(name="smaller", allowed_groups=frozenset({"team-payments"}))}
    )
    (found,) = violations(facts(), chosen)
    assert found.suggestion == 'try platform/tier: "smaller"'


def test_who_may_have_no_tier_is_sent_to_an_admin() -> None:
    nobody = policy(tiers={"small": FOR_SHOP.tiers["small"]})
    (found,) = violations(facts(), nobody)
    assert found.suggestion == "ask a platform admin"


def test_everybody_among_others_is_everybody() -> None:
    assert verdict(facts(), with_tier(allowed_groups=frozenset({"vip", "*"}))) == Decision()


def test_a_tier_that_is_no_longer_for_the_team_may_stay() -> None:
    """Nor does it keep anybody from changing something else, or from deleting the namespace."""
    assert verdict(facts(labels={"note": "x"}, old=state()), FOR_SHOP) == Decision()
    assert verdict(deletion(state(), CALLERS["a member of the team"]), FOR_SHOP) == Decision()


def test_a_member_of_the_groups_does_not_change_the_tier_of_a_namespace_that_is_there() -> None:
    old = state(labels={labels.TEAM: "shop", labels.TIER: "large"})
    asked = facts(labels={labels.TEAM: "shop"}, old=old, groups=STRANGER)
    assert rules(asked, FOR_SHOP) == ["managed-labels-immutable"]


def test_the_built_in_tiers_are_for_everybody() -> None:
    for name in POLICY.tiers:
        assert not violations(facts(labels={labels.TIER: name}, groups=("team-payments",)))
