"""For which teams somebody creates namespaces."""

import pytest

from tests.core.builders import (
    ADMINS,
    CALLERS,
    TENANT,
    asked_by,
    facts,
    policy,
    rules,
    state,
    verdict,
    violations,
)
from webhook.core import decide, labels
from webhook.core.model import Caller, Decision, Facts, NamespaceState, Operation, Violation
from webhook.core.policy import Policy, TeamGroups

OFF = policy(team_groups=None)
NAMELESS = policy(team_groups=TeamGroups("", "-devs"))


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("a member of the team", True),
        ("a member of another team", False),
        ("somebody in no team", False),
        ("our controller", False),
        ("a requester", True),
        ("an applier", True),
        ("an admin", True),
    ],
)
def test_who_creates_a_namespace_for_the_team(who: str, allowed: bool) -> None:
    caller = CALLERS[who]
    asked = asked_by(caller, facts(annotations={labels.REQUESTED_BY: caller.username}))
    assert rules(asked, policy()) == ([] if allowed else ["team-is-callers"])
    assert rules(asked, OFF) == [], "where groups say nothing about teams, everybody does"


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        pytest.param("team-payments", True, id="the team's group"),
        pytest.param("Team-payments", False, id="a capital"),
        pytest.param("team-payments\n", False, id="a newline behind"),
        pytest.param(" team-payments", False, id="a space in front"),
        pytest.param("team-payment", False, id="a letter less"),
        pytest.param("team-paymentss", False, id="a letter more"),
        pytest.param("payments", False, id="the team's name alone"),
        pytest.param("team-", False, id="the group of no team"),
        pytest.param("team-*", False, id="a star"),
        pytest.param("", False, id="an empty group"),
    ],
)
def test_a_group_makes_a_member_when_it_is_the_team_s_to_the_letter(group: str, allowed: bool) -> None:
    assert verdict(facts(groups=(group,))).allowed is allowed


@pytest.mark.parametrize("group", ["payments-devs", "team-payments"])
def test_the_groups_are_called_as_the_policy_says(group: str) -> None:
    assert verdict(facts(groups=(group,)), NAMELESS).allowed is (group == "payments-devs")


@pytest.mark.parametrize(
    ("groups", "allowed", "suggestion"),
    [
        pytest.param(
            ("team-shop",), '"shop"', 'set platform/team: "shop"', id="somebody in one team is told of it"
        ),
        pytest.param(
            ("team-shop", "team-payroll"),
            '"payroll", "shop"',
            'set platform/team: "payroll"',
            id="somebody in two teams is told of both, and of the likelier one first",
        ),
        pytest.param(
            ("developers",),
            "none: your groups name no team",
            'ask a platform admin to add you to the group "team-payments"',
            id="somebody in no team is told which group is missing",
        ),
    ],
)
def test_what_is_said_to_whom(groups: tuple[str, ...], allowed: str, suggestion: str) -> None:
    assert violations(facts(groups=groups)) == (
        Violation(
            rule="team-is-callers",
            path="metadata.labels[platform/team]",
            sent='"payments" is not one of your teams',
            allowed=allowed,
            suggestion=suggestion,
            forbidden=True,
        ),
    )


@pytest.mark.parametrize("team", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize("groups", [TENANT, ("team-",), ()], ids=["member", "of nothing", "nobody"])
def test_a_team_that_is_not_named_is_asked_for_and_not_guessed(
    team: str | None, groups: tuple[str, ...]
) -> None:
    assert rules(facts(labels={labels.TEAM: team}, groups=groups)) == ["managed-labels-complete"]


def test_an_update_is_not_asked_whose_team_it_is() -> None:
    asked = facts(labels={"note": "x"}, old=state(), groups=("team-shop",))
    assert verdict(asked) == Decision()


def created(name: str, groups: tuple[str, ...], chosen: Policy) -> Facts:
    """A bare namespace as admission completes it."""
    bare = Facts(Operation.CREATE, name, Caller("jane", groups), NamespaceState())
    complete = decide.mutate(bare, chosen).applied_to(bare.new)
    return Facts(bare.operation, name, bare.caller, complete)


@pytest.mark.parametrize(
    ("name", "teams", "team"),
    [
        pytest.param("payments", "payments", "payments", id="the team's own name"),
        pytest.param("payments-dev", "payments", "payments", id="the team and a rest"),
        pytest.param("payments-eu-dev", "payments payments-eu", "payments-eu", id="the longer of two teams"),
        pytest.param("payments-eu-dev", "payments-eu payments", "payments-eu", id="in whatever order"),
        pytest.param("payments-eu", "payments payments-eu", "payments-eu", id="a team called like the name"),
        pytest.param("payments-euro", "payments payments-eu", "payments", id="a team that only looks longer"),
        pytest.param("paymentsdev", "payments", "paymentsdev", id="no team's name begins it"),
        pytest.param("dev", "payments", "dev", id="another word"),
        pytest.param("dev", "", "dev", id="no team at all"),
    ],
)
def test_the_team_that_is_filled_in(name: str, teams: str, team: str) -> None:
    groups = tuple(f"team-{each}" for each in teams.split())
    asked = created(name, groups, policy())
    assert asked.new.labels[labels.TEAM] == team
    assert verdict(asked).allowed is (team in teams.split())


@pytest.mark.parametrize(
    ("separator", "team"), [("", "payments"), ("-", "payments"), ("--", "payments-dev")], ids=repr
)
def test_the_team_that_is_filled_in_ends_at_the_separator(separator: str, team: str) -> None:
    chosen = policy(team_separator=separator)
    assert created("payments-dev", ("team-payments",), chosen).new.labels[labels.TEAM] == team
    assert created("payments--dev", ("team-payments",), chosen).new.labels[labels.TEAM] == "payments"


def test_where_groups_say_nothing_the_name_is_the_team() -> None:
    asked = created("payments-dev", TENANT, OFF)
    assert asked.new.labels[labels.TEAM] == "payments-dev"
    assert verdict(asked, OFF) == Decision()


def test_an_admin_s_own_team_is_filled_in_like_everybody_s() -> None:
    assert created("payments-x", (*ADMINS, "team-payments"), policy()).new.labels[labels.TEAM] == "payments"
    assert created("web", ADMINS, policy()).new.labels[labels.TEAM] == "web"
