"""Whose group gets access: never one of the system's, whatever teams are called."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.codec.builders import document
from tests.core.builders import POLICY, asked_by
from tests.core.strategies import any_facts, hostile, legal_names, legal_requests, opened, team_groups
from webhook.core import bundle, catalogue, decide, identity, labels
from webhook.core.errors import InvalidPolicyError
from webhook.core.model import Caller, Facts, Operation
from webhook.core.policy import Policy, TeamGroups

affixes = st.text("estmy:-{}a", max_size=8) | hostile


@settings(deadline=None)
@given(affixes, hostile, affixes)
def test_a_team_s_group_is_that_team_s(prefix: str, team: str, suffix: str) -> None:
    groups = TeamGroups(prefix, suffix)
    assert groups.team(groups.group(team)) == team


@settings(deadline=None)
@given(affixes, affixes, hostile)
def test_a_group_is_of_one_team_or_of_none(prefix: str, suffix: str, group: str) -> None:
    groups = TeamGroups(prefix, suffix)
    team = groups.team(group)
    assert not team or groups.group(team) == group


@settings(deadline=None)
@given(affixes, affixes, hostile, hostile)
def test_two_teams_never_share_a_group(prefix: str, suffix: str, one: str, other: str) -> None:
    assume(one != other)
    groups = TeamGroups(prefix, suffix)
    assert groups.group(one) != groups.group(other)


@pytest.mark.parametrize(
    ("group", "team"),
    [
        pytest.param("a-x-z", "x", id="a team"),
        pytest.param("a-z", "", id="prefix and suffix that share a letter"),
        pytest.param("a--z", "", id="no name between"),
        pytest.param("a-x", "", id="no suffix"),
        pytest.param("x-z", "", id="no prefix"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_team_of_a_group(group: str, team: str) -> None:
    assert TeamGroups("a-", "-z").team(group) == team


@settings(deadline=None)
@given(st.lists(legal_names, max_size=3), st.lists(hostile, max_size=3))
def test_who_is_in_a_team(teams: list[str], others: list[str]) -> None:
    caller = Caller("jane", (*(f"team-{team}" for team in teams), *others))
    found = identity.teams(caller, POLICY)
    assert set(teams) <= set(found)
    for team in {*teams, *found}:
        assert identity.is_member(caller, team, POLICY)
    assert not identity.is_member(caller, "", POLICY)


def _subjects(facts: Facts, policy: Policy) -> list[str]:
    """Whom the bundle of the namespace would bind."""
    objects = bundle.of(facts.name, facts.new, policy).objects
    bindings = [item for item in objects if item["kind"] == "RoleBinding"]
    return [subject["name"] for binding in bindings for subject in binding["subjects"]]


@settings(deadline=None)
@given(legal_requests() | any_facts, team_groups)
def test_nobody_of_the_system_is_bound_by_what_admission_lets_through(
    asked: Facts, groups: TeamGroups | None
) -> None:
    policy = opened(team_groups=groups, required_labels={})
    for caller in (asked.caller, Caller("root", ("platform-admins",))):
        again = asked_by(caller, asked)
        if again.operation is Operation.CREATE and decide.validate(again, policy).allowed:
            (subject,) = _subjects(again, policy)
            team = again.new.labels[labels.TEAM]
            assert subject == policy.group_of(team)
            assert team
            assert team in subject
            assert not subject.startswith("system:")
            assert subject.strip("*")


@settings(deadline=None)
@given(legal_names, team_groups)
def test_the_group_of_every_legal_team_is_bound_and_no_other(team: str, groups: TeamGroups | None) -> None:
    policy = opened(team_groups=groups)
    tier = policy.tiers["small"]
    objects = bundle.render(team, team, tier, quota=tier.quota, group=policy.group_of(team)).objects
    binding = objects[-1]
    assert binding["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": policy.group_of(team)}
    ]
    assert binding["roleRef"]["name"] == "edit"


BUILT_IN = document()


def _accepted(text: str) -> TeamGroups | None:
    """What the catalogue makes of a setting; None where it refuses it, or where it turns groups off."""
    content = {**BUILT_IN, "policy": {**BUILT_IN["policy"], "teamGroups": text}}
    try:
        return catalogue.parse(content).team_groups
    except InvalidPolicyError:
        return None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{team}:masters", id="a suffix that makes a team called system one of the system's"),
        pytest.param("{team}:{x}", id="the same with more behind it"),
        pytest.param("sys{team}:masters", id="half of the word in front"),
        pytest.param("system:{team}", id="the system's own prefix"),
        pytest.param("system{team}", id="a prefix without the colon"),
        pytest.param("{team}", id="the team alone"),
        pytest.param("team-{team}", id="a word of one's own"),
        pytest.param("{team}-devs", id="a word of one's own behind"),
    ],
)
def test_no_setting_that_is_accepted_leads_into_the_system(text: str) -> None:
    groups = _accepted(text)
    for team in ("system", "tem", "payments", "masters"):
        assert groups is None or not groups.group(team).startswith("system:")


@settings(deadline=None, max_examples=50)
@given(st.text("estmy:-", max_size=8), st.text("estmy:-a", max_size=8), legal_names)
def test_no_setting_at_all_leads_into_the_system(prefix: str, suffix: str, name: str) -> None:
    groups = _accepted(prefix + "{team}" + suffix)
    word = "system"
    for team in (name, word, word.removeprefix(prefix)):
        assert groups is None or not groups.group(team).startswith("system:")
