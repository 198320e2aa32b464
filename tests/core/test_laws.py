"""What holds for every request, however strange."""

import copy
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.builders import ADMINS, POLICY, TENANT
from tests.core.builders import facts as create
from tests.core.strategies import any_facts, facts, kubernetes_names, legal_requests, opened, policies
from webhook.core import decide, labels, wording
from webhook.core.model import Additions, Caller, Decision, Facts, NamespaceState, Operation
from webhook.core.policy import Policy

law = settings(deadline=None, max_examples=60)

PER_VIOLATION = 4000
"""Characters: four quoted texts of 63, each character a surrogate pair of 12, and our own words."""

PER_DENIAL = 32 * 1024
"""Characters: enough for a request that breaks every rule there is."""


def _mutated(asked: Facts, policy: Policy) -> Facts:
    new = decide.mutate(asked, policy).applied_to(asked.new)
    return Facts(asked.operation, asked.name, asked.caller, new, asked.old, asked.age)


@law
@given(any_facts, policies)
def test_mutating_twice_adds_nothing_the_second_time(asked: Facts, policy: Policy) -> None:
    assert decide.mutate(_mutated(asked, policy), policy) == Additions()


@law
@given(any_facts, policies)
def test_mutation_neither_changes_nor_removes_what_was_stated(asked: Facts, policy: Policy) -> None:
    added = decide.mutate(asked, policy)
    assert added.labels.keys().isdisjoint(asked.new.labels)
    assert added.annotations.keys().isdisjoint(asked.new.annotations)
    after = added.applied_to(asked.new)
    assert asked.new.labels.items() <= after.labels.items()
    assert asked.new.annotations.items() <= after.annotations.items()
    assert (after.owners, after.terminating) == (asked.new.owners, asked.new.terminating)


@law
@given(legal_requests())
def test_what_mutation_completed_is_valid(asked: Facts) -> None:
    decision = decide.validate(_mutated(asked, POLICY), POLICY)
    assert (decision.violations, decision.tolerated) == ((), ())


@law
@given(legal_requests(), st.sampled_from([TENANT, ADMINS]))
def test_an_update_that_changes_nothing_is_valid(asked: Facts, groups: tuple[str, ...]) -> None:
    created = _mutated(asked, POLICY).new
    update = Facts(Operation.UPDATE, asked.name, Caller("bob", groups), created, created)
    assert decide.validate(update, POLICY) == Decision()


@law
@given(any_facts, policies)
def test_what_changes_nothing_breaks_nothing(asked: Facts, policy: Policy) -> None:
    """Whatever the namespace is, whoever asks: controllers update namespaces for reasons of their own."""
    update = Facts(Operation.UPDATE, asked.name, asked.caller, asked.new, asked.new, asked.age)
    assert decide.validate(update, policy) == Decision()


@law
@given(any_facts, policies)
def test_the_same_requestgive_the_same_verdict_and_are_left_alone(asked: Facts, policy: Policy) -> None:
    before = copy.deepcopy(asked)
    assert decide.mutate(asked, policy) == decide.mutate(asked, policy)
    assert decide.validate(asked, policy) == decide.validate(asked, policy)
    assert asked == before


@law
@given(any_facts, policies)
def test_only_a_creation_is_mutated(asked: Facts, policy: Policy) -> None:
    if asked.operation is not Operation.CREATE:
        assert decide.mutate(asked, policy) == Additions()


@law
@given(any_facts, policies)
def test_allowed_means_complete(asked: Facts, policy: Policy) -> None:
    """What passes CREATE is managed, has a tier of the catalogue, a team, and all that mutation adds."""
    allowed = asked.operation is Operation.CREATE and decide.validate(asked, policy).allowed
    left_alone = policy.unlabelled == "ignore" and asked.new.labels.get(labels.MANAGED_BY) != labels.MANAGER
    if allowed and not left_alone:
        assert asked.new.labels[labels.MANAGED_BY] == labels.MANAGER
        assert asked.new.labels[labels.TIER] in policy.tiers
        assert asked.new.labels[labels.TEAM]
        assert decide.mutate(asked, policy) == Additions()


@law
@given(any_facts)
def test_what_is_left_alone_carries_no_label_of_ours(asked: Facts) -> None:
    allowed = decide.validate(asked, opened(unlabelled="ignore")).allowed
    if asked.operation is Operation.CREATE and allowed:
        ours = {labels.TIER, labels.TEAM} & asked.new.labels.keys()
        assert not ours or asked.new.labels[labels.MANAGED_BY] == labels.MANAGER


@law
@given(any_facts, policies)
def test_a_deletion_breaks_rules_on_deletions_only(asked: Facts, policy: Policy) -> None:
    if asked.operation is Operation.DELETE:
        decision = decide.validate(asked, policy)
        assert {found.rule for found in decision.violations} <= {"deletion-allowed", "deletion-protected"}
        assert decision.allowed or not asked.new.terminating


@law
@given(any_facts, policies)
def test_an_admin_is_refused_for_what_is_sent_or_protected_and_never_for_who_he_is(
    asked: Facts, policy: Policy
) -> None:
    admin = Facts(asked.operation, asked.name, Caller("root", ADMINS), asked.new, asked.old, asked.age)
    refused = decide.validate(admin, policy).violations
    assert {found.rule for found in refused if found.forbidden} <= {"deletion-protected"}
    everybody = {found.rule for found in decide.validate(asked, policy).violations}
    assert {found.rule for found in refused} <= everybody | {"defaults-present"}


@law
@given(any_facts, policies)
def test_who_is_refused_alone_for_who_he_is_is_told_so(asked: Facts, policy: Policy) -> None:
    decision = decide.validate(asked, policy)
    if decision.code == 403:
        assert all(found.forbidden for found in decision.violations)
    assert decision.allowed is (decision.code == 200)


@law
@given(facts(kubernetes_names), policies)
def test_a_denial_is_short_printable_and_one_line_for_each_rule(asked: Facts, policy: Policy) -> None:
    _assert_readable(asked, policy)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(create(groups=tuple(f"team-t{n}" for n in range(10_000))), id="by one in many teams"),
        pytest.param(create(owners=tuple(f"Pod/x {n}" for n in range(10_000))), id="with many owners"),
        pytest.param(
            create(annotations={labels.QUOTA: ",".join(f"k{n}=1" for n in range(10_000))}),
            id="with many limits",
        ),
    ],
)
def test_a_denial_stays_short_however_much_is_sent(asked: Facts) -> None:
    decision = decide.validate(asked, POLICY)
    assert not decision.allowed
    assert len(wording.denial(decision)) < PER_DENIAL


@law
@example(Facts(Operation.CREATE, "two\nlines", Caller("jane"), NamespaceState()), POLICY)
@given(any_facts, policies)
def test_a_denial_of_any_name_is_readable(asked: Facts, policy: Policy) -> None:
    _assert_readable(asked, policy)


def _assert_readable(asked: Facts, policy: Policy) -> None:
    decision = decide.validate(asked, policy)
    for violation in decision.violations:
        line = wording.sentence(violation)
        assert re.fullmatch(r"[ -~]+", line)
        assert len(line) <= PER_VIOLATION
        assert violation.rule
        assert violation.path.startswith(("metadata.", "spec."))
        assert violation.suggestion
    lines = wording.denial(decision).splitlines() if decision.violations else []
    assert len(lines) == len(decision.violations) + (len(decision.violations) > 1)
