"""The table of rules: its examples do what it says of them."""

import pytest
import yaml

from tests.codec.builders import document
from tests.core.builders import POLICY
from webhook.core import catalogue, decide, defaults
from webhook.core.policy import Policy
from webhook.core.rules import MANAGED_OBJECTS, RULES, Rule

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def test_ids_are_unique() -> None:
    ids = [*(rule.id for rule in RULES), MANAGED_OBJECTS.id]
    assert len(set(ids)) == len(ids)


@each_rule
def test_the_wrong_example_breaks_this_rule_and_no_other(rule: Rule) -> None:
    policy = rule.settings(POLICY)
    violations = decide.validate(rule.wrong.facts(policy), policy).violations
    assert {violation.rule for violation in violations} == {rule.id}


@each_rule
def test_the_right_example_breaks_none(rule: Rule) -> None:
    policy = rule.settings(POLICY)
    assert decide.validate(rule.right.facts(policy), policy).violations == ()


@each_rule
def test_a_check_reports_its_own_rule_only(rule: Rule) -> None:
    for other in RULES:
        policy = other.settings(POLICY)
        for example in (other.wrong, other.right):
            assert {found.rule for found in rule.check(example.facts(policy), policy)} <= {rule.id}


@each_rule
def test_an_example_is_as_validation_sees_it(rule: Rule) -> None:
    policy = rule.settings(POLICY)
    for example in (rule.wrong, rule.right):
        facts = example.facts(policy)
        if example.mutated:
            assert not defaults.additions(facts, policy).labels


def _merged(base: object, change: object) -> object:
    if isinstance(base, dict) and isinstance(change, dict):
        return {**base, **{key: _merged(base.get(key), value) for key, value in change.items()}}
    return change


def _shown(rule: Rule) -> Policy:
    """The built-in catalogue with the settings that the rule's page shows, as a person would merge them."""
    return catalogue.parse(_merged(document(), yaml.safe_load(rule.shown) or {}))


@each_rule
def test_what_is_shown_of_the_catalogue_is_what_the_examples_presume(rule: Rule) -> None:
    shown, presumed = _shown(rule) if rule.shown else POLICY, rule.settings(POLICY)
    for example in (rule.wrong, rule.right):
        expected = decide.validate(example.facts(presumed), presumed)
        assert decide.validate(example.facts(shown), shown) == expected


@each_rule
def test_settings_are_shown_where_the_built_in_catalogue_would_not_do(rule: Rule) -> None:
    wrong, right = (decide.validate(each.facts(POLICY), POLICY) for each in (rule.wrong, rule.right))
    enough = {violation.rule for violation in wrong.violations} == {rule.id} and right.allowed
    assert bool(rule.shown) is not enough
