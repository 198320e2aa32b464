"""The key `teams` of a catalogue: budgets by team."""

from typing import Any

import pytest

from tests.core.catalogue.files import WHOLE, minimal, parsed, problems
from webhook.codec import catalogue
from webhook.core import lint
from webhook.core.policy import Budget

FULL = {"namespaces": 20, "quota": {"requests.cpu": 100, "requests.memory": "1Ti", "count/jobs.batch": "9"}}


def budget_of(team: str, teams: object) -> Budget | None:
    return parsed(minimal(teams=teams)).budget_of(team)


@pytest.mark.parametrize("root", [{}, {"teams": {}}], ids=["no such key", "an empty one"])
def test_without_budgets_nothing_is_limited(root: dict[str, Any]) -> None:
    assert parsed(minimal(**root)).budgets == {}
    assert parsed(minimal(**root)).budget_of("payments") is None


@pytest.mark.parametrize(
    ("teams", "found"),
    [
        pytest.param(
            {"payments": FULL},
            Budget(20, {"requests.cpu": "100", "requests.memory": "1Ti", "count/jobs.batch": "9"}),
            id="all that there is",
        ),
        pytest.param({"payments": {"namespaces": 0}}, Budget(0), id="none at all"),
        pytest.param(
            {"payments": {"quota": {"pods": 5}}}, Budget(None, {"pods": "5"}), id="any number of them"
        ),
        pytest.param({"payments": {"namespaces": 5, "quota": {}}}, Budget(5), id="an empty quota"),
        pytest.param({"*": {"namespaces": 7}}, Budget(7), id="that of every team"),
        pytest.param({"*": FULL, "payments": {"namespaces": 50}}, Budget(50), id="its own, whole"),
        pytest.param({"*": FULL, "payments": {}}, None, id="its own, which limits nothing"),
        pytest.param({"search": FULL}, None, id="that of another team"),
    ],
)
def test_the_budget_of_a_team(teams: object, found: Budget | None) -> None:
    assert budget_of("payments", teams) == found


@pytest.mark.parametrize(
    ("teams", "told"),
    [
        pytest.param([], "teams: must be a mapping", id="no mapping"),
        pytest.param({"payments": 5}, "teams.payments: must be a mapping", id="a number for a budget"),
        pytest.param(
            {"payments": {"namespaces": -1}},
            "teams.payments.namespaces: must be a whole number",
            id="negative",
        ),
        pytest.param(
            {"*": {"namespaces": 1.5}}, "teams.*.namespaces: must be a whole number", id="a fraction"
        ),
        pytest.param({"*": {"namespaces": True}}, "teams.*.namespaces: must be a whole number", id="a truth"),
        pytest.param({"*": {"namespaces": None}}, "teams.*.namespaces: must be a whole number", id="nothing"),
        pytest.param({"*": {"quota": []}}, "teams.*.quota: must be a mapping", id="a list of limits"),
        pytest.param(
            {"*": {"quota": {"cores": 5}}},
            'teams.*.quota.cores: "cores" is not a quota key',
            id="an unknown limit",
        ),
        pytest.param({"*": {"quota": {"pods": "many"}}}, "teams.*.quota.pods: ", id="no quantity"),
        pytest.param(
            {"*": {"quota": {"pods": 1.5}}}, "teams.*.quota.pods: 1.5 is not a whole", id="half a pod"
        ),
        pytest.param(
            {"*": {"pods": 5}}, 'teams.*.pods: "pods" is not a known key', id="a limit in the wrong place"
        ),
        pytest.param({"Payments": {}}, "teams.Payments: is not a name", id="a name that no team has"),
        pytest.param({"team-*": {}}, "teams.team-*: is not a name", id="a pattern"),
    ],
)
def test_a_mistake_is_told_where_it_stands(teams: object, told: str) -> None:
    (line,) = problems(minimal(teams=teams))
    assert line.startswith(told)


def test_budgets_are_shown_in_the_words_of_the_file() -> None:
    teams = {
        "*": {"namespaces": 3, "quota": {"pods": "5"}},
        "payments": {},
        "search": {"quota": {"pods": "6"}},
    }
    found = parsed(minimal(teams=teams))
    assert catalogue.plain(found)["teams"] == teams
    assert parsed(minimal(teams=catalogue.plain(found)["teams"])).budgets == found.budgets


@pytest.mark.parametrize(
    ("teams", "places"),
    [
        pytest.param({"*": {"namespaces": 1, "quota": {"pods": 9}}}, [], id="every tier has the limit"),
        pytest.param(
            {"*": {"quota": {"requests.cpu": 9, "secrets": 9}}},
            ["tiers.small.quota.secrets", "tiers.other.quota.requests.cpu", "tiers.other.quota.secrets"],
            id="no tier has it",
        ),
        pytest.param(
            {"payments": {"quota": {"requests.cpu": 9}}},
            ["tiers.other.quota.requests.cpu"],
            id="one has it not",
        ),
    ],
)
def test_a_limit_that_a_tier_does_not_know_is_odd(teams: dict[str, Any], places: list[str]) -> None:
    other = {**WHOLE, "quota": {"pods": 3}}
    content = minimal({"small": WHOLE, "other": other}, teams=teams)
    found = list(lint.findings(parsed(content)))
    assert [each.path for each in found] == places
    assert all("never fits" in each.detail for each in found)
