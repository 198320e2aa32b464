"""What becomes of a namespace that is created without a tier: the catalogue's `unlabelled` decides."""

import dataclasses

import pytest

from tests.core.builders import COMPLETE, POLICY, TENANT
from webhook.core import decide, labels
from webhook.core.model import Additions, Caller, Decision, Facts, NamespaceState, Operation
from webhook.core.policy import Policy

JANE = Caller("jane", TENANT)
HELM = {labels.MANAGED_BY: "Helm"}


def policy(unlabelled: str) -> Policy:
    return dataclasses.replace(POLICY, unlabelled=unlabelled)


def create(stated: dict[str, str], how: str, *, name: str = "payments") -> tuple[Additions, Decision]:
    """What mutation adds, and what validation says to the result."""
    facts = Facts(Operation.CREATE, name, JANE, NamespaceState(stated))
    additions = decide.mutate(facts, policy(how))
    complete = dataclasses.replace(facts, new=additions.applied_to(facts.new))
    return additions, decide.validate(complete, policy(how))


def rules(decision: Decision) -> list[str]:
    return [violation.rule for violation in decision.violations]


def test_default_gives_the_default_tier() -> None:
    additions, decision = create({}, "default")
    assert additions.labels[labels.TIER] == "small"
    assert decision.allowed


def test_deny_asks_for_a_tier_and_names_all() -> None:
    additions, decision = create({}, "deny")
    assert labels.TIER not in additions.labels
    assert rules(decision) == ["tier-exists"]
    assert decision.violations[0].allowed == "freemium, small, medium, large"


@pytest.mark.parametrize("stated", [{}, {"app": "shop"}, HELM], ids=["no label", "other labels", "Helm's"])
def test_ignore_leaves_it_alone(stated: dict[str, str]) -> None:
    additions, decision = create(stated, "ignore", name="Not_Our_Pattern")
    assert additions == Additions()
    assert decision.allowed


@pytest.mark.parametrize("how", ["deny", "ignore"])
def test_one_that_names_its_tier_is_treated_as_ever(how: str) -> None:
    additions, decision = create({labels.TIER: "large"}, how)
    assert decision.allowed
    assert {**additions.labels, labels.TIER: "large"} == {**COMPLETE, labels.TIER: "large"}
    assert rules(create({labels.TIER: "xl"}, how)[1]) == ["tier-exists"]


@pytest.mark.parametrize(
    "stated",
    [{labels.TEAM: "payments"}, {labels.MANAGED_BY: labels.MANAGER}, {labels.TIER: ""}],
    ids=["a team", "our manager", "an empty tier"],
)
def test_ignore_does_not_let_half_of_our_labels_through(stated: dict[str, str]) -> None:
    assert "tier-exists" in rules(create(stated, "ignore")[1])


def test_ignore_still_protects_what_is_managed() -> None:
    old, new = NamespaceState(COMPLETE), NamespaceState({**COMPLETE, labels.TIER: "large"})
    change = Facts(Operation.UPDATE, "payments", JANE, new, old)
    assert rules(decide.validate(change, policy("ignore"))) == ["managed-labels-immutable"]
    stripped = Facts(Operation.UPDATE, "payments", JANE, NamespaceState(), old)
    assert "managed-labels-immutable" in rules(decide.validate(stripped, policy("ignore")))
    adoption = Facts(Operation.UPDATE, "old", JANE, NamespaceState({labels.TEAM: "x"}), NamespaceState())
    assert "managed-labels-immutable" in rules(decide.validate(adoption, policy("ignore")))
