"""Who deletes what, and what nobody deletes by mistake."""

import dataclasses

import pytest

from tests.core.builders import (
    CALLERS,
    COMPLETE,
    FLUX,
    STRANGER,
    TENANT,
    UNMANAGED,
    Changes,
    asked_by,
    deletion,
    facts,
    policy,
    rules,
    state,
    verdict,
    violations,
    with_tier,
)
from webhook.core import labels
from webhook.core.model import Caller, Decision, NamespaceState, Violation
from webhook.core.policy import Policy, TeamGroups

OFF = policy(team_groups=None)
GUARDED = with_tier(deletion_protection=True)
"""A policy whose tier small protects all its namespaces."""

ALLOWED, PROTECTED = ["deletion-allowed"], ["deletion-protected"]


@pytest.mark.parametrize(
    ("who", "broken"),
    [
        ("a member of the team", []),
        ("a member of another team", ALLOWED),
        ("somebody in no team", ALLOWED),
        ("our controller", []),
        ("a requester", []),
        ("an applier", []),
        ("an admin", []),
    ],
)
def test_who_deletes(who: str, broken: list[str]) -> None:
    asked = deletion(state(), CALLERS[who])
    assert rules(asked, policy()) == broken
    assert rules(asked, OFF) == [], "where groups say nothing about teams, everybody does"


@pytest.mark.parametrize("manager", ["Helm", None, "", "ns-provisioner\n"], ids=repr)
@pytest.mark.parametrize("who", CALLERS)
def test_a_namespace_of_somebody_else_is_for_rbac_alone_to_guard(manager: str | None, who: str) -> None:
    foreign = state(labels={labels.MANAGED_BY: manager}, annotations={labels.DELETION_PROTECTION: "true"})
    assert verdict(deletion(foreign, CALLERS[who]), GUARDED) == Decision()
    assert verdict(deletion(NamespaceState(), CALLERS[who]), GUARDED) == Decision()


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("chosen", [policy(), GUARDED], ids=["a free tier", "a protected tier"])
def test_a_deletion_that_has_begun_always_finishes(who: str, chosen: Policy) -> None:
    going = state(annotations={labels.DELETION_PROTECTION: "true"}, terminating=True)
    assert verdict(deletion(going, CALLERS[who]), chosen) == Decision()


@pytest.mark.parametrize(
    ("team", "groups", "broken"),
    [
        pytest.param(None, TENANT, ALLOWED, id="no team, by a tenant"),
        pytest.param("", TENANT, ALLOWED, id="an empty team, by a tenant"),
        pytest.param("", ("team-",), ALLOWED, id="an empty team, by a member of its group"),
        pytest.param(None, ("platform-admins",), [], id="no team, by an admin"),
        pytest.param("shop", STRANGER, [], id="another team, by a member of it"),
        pytest.param("payments", ("team-payments\n",), ALLOWED, id="a group with a newline behind"),
        pytest.param("payments", ("payments",), ALLOWED, id="a group called like the team"),
    ],
)
def test_the_team_is_what_the_label_says(
    team: str | None, groups: tuple[str, ...], broken: list[str]
) -> None:
    asked = deletion(state(labels={labels.TEAM: team}), Caller("jane", groups))
    assert rules(asked) == broken


def test_the_name_says_nothing_about_whose_it_is() -> None:
    assert rules(deletion(state(), Caller("jane", STRANGER), name="shop")) == ALLOWED


def test_the_groups_are_called_as_the_policy_says() -> None:
    chosen = policy(team_groups=TeamGroups("", "-devs"))
    assert rules(deletion(state(), Caller("jane", ("payments-devs",))), chosen) == []
    assert rules(deletion(state(), Caller("jane", TENANT)), chosen) == ALLOWED


def test_what_is_said_to_a_stranger() -> None:
    assert violations(deletion(state(), Caller("mallory", STRANGER))) == (
        Violation(
            rule="deletion-allowed",
            path="metadata.labels[platform/team]",
            sent='the namespace belongs to team "payments", which you are not in',
            allowed="members of team-payments, platform-admins, system:masters",
            suggestion="ask the team",
            forbidden=True,
        ),
    )


@pytest.mark.parametrize(
    ("stated", "in_a_free_tier", "in_a_protected_tier"),
    [
        pytest.param(None, [], PROTECTED, id="nothing"),
        pytest.param("true", PROTECTED, PROTECTED, id="true"),
        pytest.param("false", [], [], id="false"),
        pytest.param("True", [], PROTECTED, id="True, which is no word of ours"),
        pytest.param("yes", [], PROTECTED, id="yes"),
        pytest.param("", [], PROTECTED, id="an empty text"),
        pytest.param("false\n", [], PROTECTED, id="false with a newline behind"),
    ],
)
@pytest.mark.parametrize(
    "who", ["a member of the team", "our controller", "a requester", "an applier", "an admin"]
)
def test_what_is_protected_is_deleted_by_nobody(
    stated: str | None, in_a_free_tier: list[str], in_a_protected_tier: list[str], who: str
) -> None:
    asked = deletion(state(annotations={labels.DELETION_PROTECTION: stated}), CALLERS[who])
    assert rules(asked, policy()) == in_a_free_tier
    assert rules(asked, GUARDED) == in_a_protected_tier


def test_a_stranger_is_told_of_both() -> None:
    asked = deletion(state(annotations={labels.DELETION_PROTECTION: "true"}), Caller("mallory", STRANGER))
    assert rules(asked) == [*ALLOWED, *PROTECTED]


@pytest.mark.parametrize(
    ("stated", "reason", "way_out"),
    [
        ("true", "its annotation", 'set platform/deletion-protection: "false" first, as an admin'),
        (None, "tier small", 'set platform/deletion-protection: "false" first, as an admin'),
    ],
)
def test_what_is_said_of_a_protected_namespace(stated: str | None, reason: str, way_out: str) -> None:
    kept = state(annotations={labels.DELETION_PROTECTION: stated})
    (found,) = violations(deletion(kept, CALLERS["an admin"]), GUARDED)
    assert (found.sent, found.suggestion) == (f"the namespace is protected by {reason}", way_out)
    assert found.path == "metadata.annotations[platform/deletion-protection]"
    if stated:
        (found,) = violations(deletion(kept, CALLERS["an admin"]))
        assert found.suggestion == 'set platform/deletion-protection: "false" first'


LIFTED = {labels.DELETION_PROTECTION: "false"}


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("a member of the team", False),
        ("our controller", False),
        ("a requester", False),
        ("an applier", True),
        ("an admin", True),
    ],
)
def test_who_lifts_the_protection_that_a_tier_gives(who: str, may: bool) -> None:
    """On a new namespace as on one that is there; a tier without protection has nothing to lift."""
    for old in (None, state(), state(annotations={labels.DELETION_PROTECTION: "true"})):
        asked = asked_by(CALLERS[who], facts(annotations=LIFTED, old=old))
        assert ("deletion-protected" not in rules(asked, GUARDED)) is may
        assert "deletion-protected" not in rules(asked, policy())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("true", None, id="the annotation is taken away, the tier still protects"),
        pytest.param(None, "true", id="the annotation says it too"),
        pytest.param("false", "true", id="it is switched on again"),
        pytest.param("false", "false", id="what an admin has lifted stays so"),
    ],
)
def test_what_a_team_may_do_in_a_protected_tier(before: str | None, after: str | None) -> None:
    key = labels.DELETION_PROTECTION
    asked = facts(annotations={key: after, "note": "x"}, old=state(annotations={key: before}))
    assert verdict(asked, GUARDED) == Decision()


def test_a_namespace_of_somebody_else_lifts_nothing() -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    assert rules(facts(labels=foreign, annotations=LIFTED, old=state(labels=foreign)), GUARDED) == []


def test_what_is_said_to_a_tenant_who_lifts_it() -> None:
    (found,) = violations(facts(annotations=LIFTED, old=state()), GUARDED)
    assert found == Violation(
        rule="deletion-protected",
        path="metadata.annotations[platform/deletion-protection]",
        sent='"false" would lift the protection that the tier gives',
        allowed="changes by platform-admins, system:masters",
        suggestion="leave the annotation out, or ask a platform admin",
        forbidden=True,
    )


def test_a_tier_that_is_gone_protects_nothing() -> None:
    gone = state(labels={labels.TIER: "retired"})
    assert rules(deletion(gone, CALLERS["a member of the team"]), GUARDED) == []


def test_the_appliers_are_those_of_the_policy() -> None:
    asked = deletion(state(), Caller(FLUX, ("system:serviceaccounts",)))
    assert rules(asked, policy(appliers=frozenset())) == ALLOWED


def test_an_update_is_no_deletion() -> None:
    asked = asked_by(
        Caller("mallory", STRANGER),
        facts(old=state(annotations={labels.DELETION_PROTECTION: "true"}), annotations={"note": "x"}),
    )
    assert rules(asked, GUARDED) == ["settings-by-owner"], "taking the annotation away is another matter"


@pytest.mark.parametrize("key", sorted(COMPLETE))
def test_a_deletion_asks_for_nothing_that_the_namespace_lacks(key: str) -> None:
    lacking: Changes = {key: None}
    asked = deletion(state(labels=lacking), CALLERS["an admin"], name="Bad_Name")
    assert verdict(asked) == Decision()
    assert verdict(dataclasses.replace(asked, name="kube-x"), OFF) == Decision()
    assert verdict(deletion(state(labels=UNMANAGED), CALLERS["somebody in no team"])) == Decision()
