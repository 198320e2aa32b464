"""The annotation platform/ttl: what it may say when."""

import pytest

from tests.core.builders import (
    ADMINS,
    CALLERS,
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
from webhook.core import decide, labels
from webhook.core.model import Decision, Facts, NamespaceState, Operation, Violation
from webhook.core.policy import Policy

HOUR, DAY = 3600, 86_400
LIMITED = with_tier(max_ttl="14d")
"""A policy whose tier small has no namespaces that live longer than two weeks."""

BOTH = policy(tiers={"small": tier(max_ttl="14d"), "large": tier(name="large")})
"""A policy with a second tier, in which namespaces may live for ever."""


def ttl(value: str | None) -> Changes:
    return {labels.TTL: value}


@pytest.mark.parametrize("value", ["1s", "30m", "8h", "14d", "336h", "1209600s"])
def test_within_the_maximum(value: str) -> None:
    assert rules(facts(annotations=ttl(value)), LIMITED) == []


@pytest.mark.parametrize("value", ["15d", "337h", "1209601s", "3650d"])
@pytest.mark.parametrize("groups", [("team-payments",), ADMINS], ids=["by a tenant", "by an admin"])
def test_above_the_maximum(value: str, groups: tuple[str, ...]) -> None:
    (found,) = violations(facts(annotations=ttl(value), groups=groups), LIMITED)
    assert found == Violation(
        rule="ttl-valid",
        path="metadata.annotations[platform/ttl]",
        sent=f'"{value}" is longer than tier small allows',
        allowed="a number and one of s, m, h, d, up to 3650d, at most 14d",
        suggestion='for instance platform/ttl: "14d"',
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("7", id="no unit"),
        pytest.param("7w", id="weeks"),
        pytest.param("7d ", id="a space behind"),
        pytest.param("7d\n", id="a newline behind"),
        pytest.param("-7d", id="a minus"),
        pytest.param("0d", id="nothing"),
        pytest.param("1.5h", id="half an hour"),
        pytest.param("1h30m", id="two units"),
        pytest.param("3651d", id="more than ten years"),
        pytest.param("9999-12-31T23:59:59Z", id="a date"),
        pytest.param("9" * 10**6 + "d", id="a million nines"),
    ],
)
def test_no_lifetime(value: str) -> None:
    (found,) = violations(facts(annotations=ttl(value)))
    assert (found.rule, found.path) == ("ttl-valid", "metadata.annotations[platform/ttl]")
    assert found.sent.endswith(" is no lifetime")
    assert found.allowed == "a number and one of s, m, h, d, up to 3650d"
    assert verdict(facts(annotations=ttl(found.suggestion.split('"')[1]))).allowed
    assert len(found.sent) < 100


@pytest.mark.parametrize(
    ("value", "age", "broken"),
    [
        pytest.param("2h", HOUR, [], id="one hour is left"),
        pytest.param("3601s", HOUR, [], id="one second is left"),
        pytest.param("3600s", HOUR, ["ttl-valid"], id="it would end now"),
        pytest.param("1h", 400 * DAY, ["ttl-valid"], id="it would have ended long ago"),
        pytest.param("1h", None, [], id="nobody knows its age"),
        pytest.param("1s", 0, [], id="it is new"),
    ],
)
@pytest.mark.parametrize("who", ["a member of the team", "a requester", "an applier", "an admin"])
def test_a_namespace_never_ends_in_the_past(value: str, age: int | None, broken: list[str], who: str) -> None:
    asked = asked_by(CALLERS[who], facts(annotations=ttl(value), old=state(), age=age))
    assert rules(asked, policy()) == broken


def test_what_is_said_of_an_end_in_the_past() -> None:
    (found,) = violations(facts(annotations=ttl("1h"), old=state(annotations=ttl("8d")), age=7 * DAY))
    assert found.sent == '"1h" after its creation is past: the namespace would end at once'


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param("7d", "8d", [], id="longer"),
        pytest.param("7d", "6d", [], id="shorter"),
        pytest.param("7d", "15d", ["ttl-valid"], id="longer than allowed"),
        pytest.param("7d", None, ["ttl-valid"], id="for ever"),
        pytest.param("7d", "junk", ["ttl-valid"], id="nonsense"),
        pytest.param("junk", "junk", [], id="nonsense from before stays"),
        pytest.param("30d", "30d", [], id="a longer one from before stays"),
        pytest.param(None, None, [], id="none from before stays away"),
        pytest.param("junk", "7d", [], id="nonsense is mended"),
    ],
)
def test_a_change(before: str | None, after: str | None, broken: list[str]) -> None:
    asked = facts(annotations=ttl(after), old=state(annotations=ttl(before)), age=DAY)
    assert rules(asked, LIMITED) == broken
    without_end = {"junk": ["ttl-valid"]} if before != "junk" else {}
    assert rules(asked) == without_end.get(after or "", [])


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        pytest.param("7d", [], id="that it has already"),
        pytest.param("30d", ["ttl-valid"], id="that is too long there"),
        pytest.param(None, ["ttl-valid"], id="that it lacks there"),
    ],
)
def test_an_admin_moves_a_namespace_into_a_tier_with_a_maximum_lifetime(
    value: str | None, broken: list[str]
) -> None:
    old = state(labels={labels.TIER: "large"}, annotations=ttl(value))
    asked = facts(annotations=ttl(value), old=old, groups=ADMINS, age=HOUR)
    assert rules(asked, BOTH) == broken
    assert rules(facts(annotations=ttl("7d"), old=old, groups=ADMINS, age=HOUR), BOTH) == []


@pytest.mark.parametrize(
    ("value", "age", "broken"),
    [
        pytest.param("7d", HOUR, [], id="a good one"),
        pytest.param("junk", HOUR, ["ttl-valid"], id="nonsense"),
        pytest.param("30d", HOUR, ["ttl-valid"], id="one that is too long"),
        pytest.param("1h", DAY, ["ttl-valid"], id="one that is over, so that it would end at once"),
        pytest.param(None, HOUR, ["ttl-valid"], id="none, where the tier wants one"),
    ],
)
@pytest.mark.parametrize(
    "before",
    [
        pytest.param(UNMANAGED, id="that was nobody's"),
        pytest.param({labels.MANAGED_BY: None}, id="that was let go, and kept its other labels"),
    ],
)
def test_an_adopted_namespace_has_a_lifetime(
    before: Changes, value: str | None, age: int, broken: list[str]
) -> None:
    """Nobody looked at the annotation while the namespace was not ours."""
    old = state(labels=before, annotations=ttl(value))
    asked = facts(annotations=ttl(value), old=old, groups=ADMINS, age=age)
    assert rules(asked, LIMITED) == broken


@pytest.mark.parametrize("value", ["junk", "1s", "3650d"])
def test_a_namespace_of_somebody_else_may_say_what_it_likes(value: str) -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    asked = facts(labels=foreign, annotations=ttl(value), old=state(labels=foreign), age=DAY)
    assert rules(asked, LIMITED) == []


def test_a_wrong_lifetime_keeps_nobody_from_deleting() -> None:
    asked = deletion(state(annotations=ttl("junk")), CALLERS["a member of the team"])
    assert verdict(asked, LIMITED) == Decision()


def test_an_unknown_tier_is_told_of_and_nothing_guessed() -> None:
    asked = facts(labels={labels.TIER: "huge"}, annotations=ttl("junk"))
    assert rules(asked) == ["tier-exists"]


def _completed(chosen: Policy, stated: Changes) -> Facts:
    annotations = {key: value for key, value in stated.items() if value is not None}
    bare = Facts(
        Operation.CREATE, "payments", CALLERS["a member of the team"], NamespaceState({}, annotations)
    )
    complete = decide.mutate(bare, chosen).applied_to(bare.new)
    return Facts(bare.operation, bare.name, bare.caller, complete)


@pytest.mark.parametrize(
    ("settings", "stated", "after"),
    [
        pytest.param({}, None, None, id="for ever, where the tier says nothing"),
        pytest.param({"ttl": "2d"}, None, "2d", id="the tier's own"),
        pytest.param({"max_ttl": "14d"}, None, "14d", id="the longest, where the tier names only that"),
        pytest.param({"ttl": "2d", "max_ttl": "14d"}, None, "2d", id="the tier's own, and not the longest"),
        pytest.param({"ttl": "2d", "max_ttl": "14d"}, "9d", "9d", id="what is stated"),
    ],
)
def test_the_lifetime_of_a_new_namespace(
    settings: dict[str, str], stated: str | None, after: str | None
) -> None:
    chosen = with_tier(**settings)
    asked = _completed(chosen, ttl(stated))
    assert asked.new.annotations.get(labels.TTL) == after
    assert verdict(asked, chosen).allowed


def test_a_lifetime_that_mutation_missed_is_asked_for() -> None:
    (found,) = violations(facts(annotations=ttl(None)), LIMITED)
    assert (found.rule, found.path, found.allowed) == (
        "defaults-present",
        "metadata.annotations[platform/ttl]",
        '"14d"',
    )
