"""Who changes lifetime, quota and deletion protection of a namespace that is there."""

import dataclasses

import pytest

from tests.core.builders import (
    CALLERS,
    STRANGER,
    TENANT,
    UNMANAGED,
    Changes,
    asked_by,
    facts,
    policy,
    rules,
    state,
    verdict,
    violations,
    with_tier,
)
from webhook.core import labels
from webhook.core.model import Decision, NamespaceState, Violation
from webhook.core.policy import Bounds, Policy, TeamGroups

OPEN = with_tier(overrides={"pods": Bounds(maximum="100")})
OFF = dataclasses.replace(OPEN, team_groups=None)
OWNER = ["settings-by-owner"]

SETTINGS = [
    pytest.param({labels.TTL: "7d"}, {labels.TTL: "8d"}, id="the lifetime changes"),
    pytest.param({}, {labels.TTL: "8d"}, id="a lifetime is set"),
    pytest.param({labels.TTL: "7d"}, {}, id="the lifetime is taken away"),
    pytest.param({labels.QUOTA: "pods=3"}, {labels.QUOTA: "pods=4"}, id="the quota changes"),
    pytest.param({labels.QUOTA: "pods=3"}, {}, id="the quota is taken away"),
    pytest.param({}, {labels.DELETION_PROTECTION: "true"}, id="protection is switched on"),
    pytest.param({labels.DELETION_PROTECTION: "true"}, {}, id="protection is taken away"),
    pytest.param(
        {labels.DELETION_PROTECTION: "true"},
        {labels.DELETION_PROTECTION: "false"},
        id="protection is switched off",
    ),
]


@pytest.mark.parametrize(
    ("who", "broken"),
    [
        ("a member of the team", []),
        ("a member of another team", OWNER),
        ("somebody in no team", OWNER),
        ("our controller", OWNER),
        ("a requester", []),
        ("an applier", []),
        ("an admin", []),
    ],
)
@pytest.mark.parametrize(("before", "after"), SETTINGS)
def test_who_changes_what(before: Changes, after: Changes, who: str, broken: list[str]) -> None:
    asked = asked_by(CALLERS[who], facts(annotations=after, old=state(annotations=before)))
    assert rules(asked, OPEN) == broken
    assert rules(asked, OFF) == [], "where groups say nothing about teams, everybody does"


def test_what_is_said() -> None:
    assert violations(facts(annotations={labels.TTL: "7d"}, old=state(), groups=STRANGER)) == (
        Violation(
            rule="settings-by-owner",
            path="metadata.annotations[platform/ttl]",
            sent='you are not in team "payments"',
            allowed='changes by members of "team-payments"',
            suggestion="leave it as it was, or ask the team",
            forbidden=True,
        ),
    )


def test_every_setting_that_changes_is_named() -> None:
    changes = {labels.TTL: "7d", labels.QUOTA: "pods=3", labels.DELETION_PROTECTION: "true"}
    found = violations(facts(annotations=changes, old=state(), groups=STRANGER), OPEN)
    assert [violation.path for violation in found] == [f"metadata.annotations[{key}]" for key in changes]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"note": "x"}, id="another annotation"),
        pytest.param({labels.TTL: "7d"}, {labels.TTL: "7d", "note": "x"}, id="a setting stays"),
    ],
)
def test_everybody_whom_rbac_lets_changes_the_rest(before: Changes, after: Changes) -> None:
    asked = facts(annotations=after, old=state(annotations=before), groups=STRANGER)
    assert verdict(asked, OPEN) == Decision()


@pytest.mark.parametrize("manager", [None, "Helm"])
def test_the_settings_of_a_namespace_of_somebody_else_are_free(manager: str | None) -> None:
    foreign: Changes = {labels.MANAGED_BY: manager}
    asked = facts(labels=foreign, annotations={labels.TTL: "7d"}, old=state(labels=foreign), groups=STRANGER)
    assert verdict(asked, OPEN) == Decision()


def test_letting_go_of_the_namespace_is_no_way_around() -> None:
    let_go: Changes = {labels.MANAGED_BY: None}
    asked = facts(labels=let_go, annotations={labels.TTL: "7d"}, old=state(), groups=STRANGER)
    assert rules(asked, OPEN) == ["managed-labels-immutable", *OWNER]


def test_naming_another_team_in_the_same_request_is_no_way_around() -> None:
    asked = facts(labels={labels.TEAM: "shop"}, annotations={labels.TTL: "7d"}, old=state(), groups=STRANGER)
    assert rules(asked, OPEN) == ["managed-labels-immutable", *OWNER]


@pytest.mark.parametrize("groups", [TENANT, ("team-",), ()], ids=["a tenant", "of nothing", "nobody"])
@pytest.mark.parametrize("team", [None, ""], ids=["no team", "an empty team"])
def test_a_namespace_without_a_team_has_no_members(team: str | None, groups: tuple[str, ...]) -> None:
    lacking: Changes = {labels.TEAM: team}
    asked = facts(
        labels=lacking, annotations={labels.TTL: "7d"}, old=state(labels=lacking), groups=groups, age=60
    )
    assert rules(asked, OPEN) == OWNER


def test_a_new_namespace_is_its_maker_s_to_set() -> None:
    """Whose team it may be is the matter of another rule."""
    asked = facts(annotations={labels.TTL: "7d", labels.QUOTA: "pods=3"}, groups=STRANGER)
    assert rules(asked, OPEN) == ["team-is-callers"]


def test_an_admin_who_adopts_sets_what_he_likes() -> None:
    asked = asked_by(CALLERS["an admin"], facts(annotations={labels.TTL: "7d"}, old=state(labels=UNMANAGED)))
    assert verdict(asked, OPEN).allowed


def test_the_groups_are_called_as_the_policy_says() -> None:
    chosen: Policy = dataclasses.replace(OPEN, team_groups=TeamGroups("", "-devs"))
    for groups, broken in ((("payments-devs",), []), (TENANT, OWNER)):
        asked = facts(annotations={labels.TTL: "7d"}, old=state(), groups=groups)
        assert rules(asked, chosen) == broken


def test_a_terminating_namespace_is_still_its_team_s() -> None:
    old = state(terminating=True)
    new = NamespaceState(old.labels, {**old.annotations, labels.TTL: "7d"}, terminating=True)
    for who, broken in (("a member of the team", []), ("a member of another team", OWNER)):
        asked = dataclasses.replace(facts(old=old), caller=CALLERS[who], new=new)
        assert rules(asked, policy()) == broken
