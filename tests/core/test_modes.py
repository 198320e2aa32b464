"""Rules that are not enforced: what they find is counted, told or only noted, and denies nothing."""

import dataclasses

import pytest
from hypothesis import given, settings

from tests.core.builders import POLICY, STRANGER, facts, policy, state, verdict
from tests.core.strategies import any_facts, opened
from webhook.core import decide, labels, wording
from webhook.core.model import Facts
from webhook.core.policy import Policy
from webhook.core.rules import RULES, Rule

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
each_mode = pytest.mark.parametrize("mode", ["warn", "audit"])


def loosened(rule: Rule, mode: str) -> tuple[Policy, Facts]:
    """A policy that does not enforce the rule, and the request that breaks it."""
    presumed = rule.settings(POLICY)
    return dataclasses.replace(presumed, modes={rule.id: mode}), rule.wrong.facts(presumed)


@each_rule
@each_mode
def test_a_violation_is_counted_and_never_denied(rule: Rule, mode: str) -> None:
    chosen, asked = loosened(rule, mode)
    enforced = decide.validate(asked, rule.settings(POLICY))
    decision = decide.validate(asked, chosen)
    assert (decision.allowed, decision.code) == (True, 200)
    assert decision.tolerated == enforced.violations, "the same words, whatever becomes of them"
    assert decision.tolerated


@each_rule
def test_a_caller_is_warned_of_each(rule: Rule) -> None:
    chosen, asked = loosened(rule, "warn")
    decision = decide.validate(asked, chosen)
    told = [wording.warning(violation) for violation in decision.tolerated]
    assert list(decision.warnings[: len(told)]) == told
    assert told[0].startswith(f"[{rule.id}] ")


@each_rule
def test_an_audit_tells_the_caller_nothing(rule: Rule) -> None:
    chosen, asked = loosened(rule, "audit")
    assert not [text for text in decide.validate(asked, chosen).warnings if text.startswith("[")]


@each_rule
@each_mode
def test_a_request_that_breaks_nothing_is_the_same_in_every_mode(rule: Rule, mode: str) -> None:
    chosen, _ = loosened(rule, mode)
    asked = rule.right.facts(rule.settings(POLICY))
    assert decide.validate(asked, chosen) == decide.validate(asked, rule.settings(POLICY))


def test_one_rule_in_force_denies_whatever_becomes_of_the_others() -> None:
    asked = facts(name="Pay", labels={labels.TIER: "huge"}, groups=STRANGER)
    chosen = policy(modes={"name-pattern": "warn", "team-is-callers": "audit"})
    decision = verdict(asked, chosen)
    assert [violation.rule for violation in decision.violations] == ["tier-exists"]
    assert [violation.rule for violation in decision.tolerated] == ["name-pattern", "team-is-callers"]
    assert [text.split("]")[0] for text in decision.warnings] == ["[name-pattern"]


def test_the_code_is_of_what_is_enforced() -> None:
    both = facts(name="Pay", groups=STRANGER)
    assert verdict(both).code == 422
    assert verdict(both, policy(modes={"name-pattern": "warn"})).code == 403


def test_enforce_is_what_a_rule_is_that_nobody_mentions() -> None:
    asked = facts(name="Pay", groups=STRANGER)
    stated = {rule.id: "enforce" for rule in RULES}
    assert verdict(asked, policy(modes=stated)) == verdict(asked, policy(modes={}))


def test_all_that_a_rule_finds_is_warned_of() -> None:
    owners = tuple(f"ClusterRole/gone {number}" for number in range(3))
    decision = verdict(facts(owners=owners, old=state()), policy(modes={"no-owner-references": "warn"}))
    assert len(decision.tolerated) == len(decision.warnings) == 3


def test_ten_warnings_are_enough_and_all_are_counted() -> None:
    owners = tuple(f"ClusterRole/gone {number}" for number in range(50))
    decision = verdict(facts(owners=owners, old=state()), policy(modes={"no-owner-references": "warn"}))
    assert decision.allowed
    assert (len(decision.tolerated), len(decision.warnings)) == (50, 10)


@settings(deadline=None)
@given(any_facts)
def test_with_every_rule_off_nothing_is_denied_and_nothing_forgotten(asked: Facts) -> None:
    strict = decide.validate(asked, opened())
    for mode in ("warn", "audit"):
        loose = decide.validate(asked, opened(modes={rule.id: mode for rule in RULES}))
        assert loose.allowed
        assert loose.tolerated == strict.violations
    assert not strict.tolerated
