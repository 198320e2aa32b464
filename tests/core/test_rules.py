"""The table of rules: its examples do what it says of them."""

import pytest

from tests.core.builders import POLICY
from webhook.core import decide, defaults
from webhook.core.rules import RULES, Rule

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def test_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


@each_rule
def test_the_wrong_example_breaks_this_rule_and_no_other(rule: Rule) -> None:
    violations = decide.validate(rule.wrong.facts(POLICY), POLICY).violations
    assert {violation.rule for violation in violations} == {rule.id}


@each_rule
def test_the_right_example_breaks_none(rule: Rule) -> None:
    assert decide.validate(rule.right.facts(POLICY), POLICY).violations == ()


@each_rule
def test_a_check_reports_its_own_rule_only(rule: Rule) -> None:
    for other in RULES:
        for example in (other.wrong, other.right):
            assert {found.rule for found in rule.check(example.facts(POLICY), POLICY)} <= {rule.id}


@each_rule
def test_an_example_is_as_validation_sees_it(rule: Rule) -> None:
    for example in (rule.wrong, rule.right):
        facts = example.facts(POLICY)
        if example.mutated:
            assert not defaults.additions(facts, POLICY).labels
