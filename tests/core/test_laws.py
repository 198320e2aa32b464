"""What holds for every request, however strange."""

import copy
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.builders import ADMINS, POLICY, TENANT
from tests.core.strategies import any_facts, facts, hostile, kubernetes_names, legal_requests, states
from webhook.core import decide, labels, wording
from webhook.core.model import Additions, Caller, Decision, Facts, NamespaceState, Operation
from webhook.core.policy import POD_SECURITY_LEVELS

PER_VIOLATION = 2000
"""Characters: two quoted texts of 63, each character a surrogate pair of 12, and our own words."""


def _mutated(asked: Facts) -> Facts:
    new = decide.mutate(asked, POLICY).applied_to(asked.new)
    return Facts(asked.operation, asked.name, asked.caller, new, asked.old)


@settings(deadline=None)
@given(any_facts)
def test_mutating_twice_adds_nothing_the_second_time(asked: Facts) -> None:
    assert decide.mutate(_mutated(asked), POLICY) == Additions()


@settings(deadline=None)
@given(any_facts)
def test_mutation_neither_changes_nor_removes_what_was_stated(asked: Facts) -> None:
    added = decide.mutate(asked, POLICY)
    assert added.labels.keys().isdisjoint(asked.new.labels)
    assert added.annotations.keys().isdisjoint(asked.new.annotations)
    after = added.applied_to(asked.new)
    assert asked.new.labels.items() <= after.labels.items()
    assert asked.new.annotations.items() <= after.annotations.items()


@settings(deadline=None)
@given(legal_requests())
def test_what_mutation_completed_is_valid(asked: Facts) -> None:
    assert decide.validate(_mutated(asked), POLICY) == Decision()


@settings(deadline=None)
@given(legal_requests(), st.sampled_from([TENANT, ADMINS]))
def test_an_update_that_changes_nothing_is_valid(asked: Facts, groups: tuple[str, ...]) -> None:
    created = _mutated(asked).new
    update = Facts(Operation.UPDATE, asked.name, Caller("bob", groups), created, created)
    assert decide.validate(update, POLICY) == Decision()


@settings(deadline=None)
@given(any_facts)
def test_the_same_facts_give_the_same_verdict_and_are_left_alone(asked: Facts) -> None:
    before = copy.deepcopy(asked)
    assert decide.mutate(asked, POLICY) == decide.mutate(asked, POLICY)
    assert decide.validate(asked, POLICY) == decide.validate(asked, POLICY)
    assert asked == before


@settings(deadline=None)
@given(any_facts)
def test_an_update_is_never_mutated(asked: Facts) -> None:
    if asked.operation is Operation.UPDATE:
        assert decide.mutate(asked, POLICY) == Additions()


@settings(deadline=None)
@given(any_facts)
def test_allowed_means_complete(asked: Facts) -> None:
    """What passes CREATE is managed, has a tier of the catalogue, a team, and all that mutation adds."""
    if asked.operation is Operation.CREATE and decide.validate(asked, POLICY).allowed:
        assert asked.new.labels[labels.MANAGED_BY] == labels.MANAGER
        assert asked.new.labels[labels.TIER] in POLICY.tiers
        assert asked.new.labels[labels.TEAM]
        assert decide.mutate(asked, POLICY) == Additions()


@settings(deadline=None)
@given(states, states, hostile)
def test_a_tenant_never_moves_a_namespace_that_is_ours(
    old: NamespaceState, new: NamespaceState, user: str
) -> None:
    update = Facts(Operation.UPDATE, "payments", Caller(user, TENANT), new, old)
    if old.labels.get(labels.MANAGED_BY) == labels.MANAGER and decide.validate(update, POLICY).allowed:
        for key in labels.IDENTITY_LABELS:
            assert old.labels.get(key) == new.labels.get(key)


@settings(deadline=None)
@given(any_facts)
def test_what_a_tenant_sets_is_no_pod_security_level_below_the_tier(asked: Facts) -> None:
    if not POLICY.admin_groups.isdisjoint(asked.caller.groups) or not decide.validate(asked, POLICY).allowed:
        return
    tier = POLICY.tiers.get(asked.new.labels.get(labels.TIER, ""))
    if tier is not None and asked.new.labels.get(labels.MANAGED_BY) == labels.MANAGER:
        before = asked.old.labels if asked.old else {}
        for mode, floor in tier.pod_security.items():
            key = labels.POD_SECURITY[mode]
            after = asked.new.labels.get(key)
            at_least = POD_SECURITY_LEVELS[POD_SECURITY_LEVELS.index(floor) :]
            assert after in at_least or (asked.old is not None and after == before.get(key))


@settings(deadline=None)
@given(facts(kubernetes_names))
def test_a_denial_is_short_printable_and_one_line_for_each_rule(asked: Facts) -> None:
    _assert_readable(asked)


@settings(deadline=None)
@example(Facts(Operation.CREATE, "two\nlines", Caller("jane"), NamespaceState()))
@given(any_facts)
def test_a_denial_of_any_name_is_readable(asked: Facts) -> None:
    _assert_readable(asked)


def _assert_readable(asked: Facts) -> None:
    decision = decide.validate(asked, POLICY)
    for violation in decision.violations:
        line = wording.sentence(violation)
        assert re.fullmatch(r"[ -~]+", line)
        assert len(line) <= PER_VIOLATION
        assert violation.rule
        assert violation.path.startswith("metadata.")
        assert violation.suggestion
    lines = wording.denial(decision).splitlines() if decision.violations else []
    assert len(lines) == len(decision.violations) + (len(decision.violations) > 1)
