"""Which namespaces the rules in force would not have let in, told from what they are."""

import random
from dataclasses import replace

import pytest

from tests.core.builders import COMPLETE, ENFORCE, POLICY, UNMANAGED, WARN, Changes, policy, state, with_tier
from webhook.core import labels, sweep, wording
from webhook.core.model import Condition, ConditionStatus
from webhook.core.pattern import Pattern
from webhook.core.policy import Policy
from webhook.core.rules import RULES
from webhook.core.sweep import Resident

READY = Condition(ConditionStatus.TRUE, "BundleComplete", "all there")
NEVER_PROVISIONED = (
    "[provisioned] status.conditions[Provisioned]: it is missing; allowed: True; "
    "the controller has yet to look; if it stays so, run nsp doctor"
)
NOT_PROVISIONED = (
    "[provisioned] status.conditions[Provisioned]: False, OverBudget: no room; allowed: True; "
    "the controller mends what it can, the reason says what is left to you"
)


def lives(
    name: str = "payments",
    given: Changes | None = None,
    annotations: Changes | None = None,
    *,
    owners: tuple[str, ...] = (),
    terminating: bool = False,
    provisioned: Condition | None = READY,
) -> Resident:
    """A namespace with which nothing is wrong, with changes."""
    content = state(given, annotations, owners=owners, terminating=terminating)
    return Resident(name, content, provisioned)


def told(resident: Resident, rules: Policy = POLICY) -> list[str]:
    """Rule ids, those that are notes only in brackets."""
    found = sweep.of(rules, [resident]).findings
    return [each.violation.rule if each.enforced else f"({each.violation.rule})" for each in found]


def test_every_rule_is_either_about_what_stands_or_about_what_has_passed() -> None:
    assert sweep.STATE_RULES.keys() | sweep.PASSING_RULES.keys() == {rule.id for rule in RULES}
    assert not sweep.STATE_RULES.keys() & sweep.PASSING_RULES.keys()
    assert all({**sweep.STATE_RULES, **sweep.PASSING_RULES}.values())


@pytest.mark.parametrize(
    ("resident", "rules"),
    [
        pytest.param(lives(), [], id="a complete one"),
        pytest.param(lives("pay_"), ["name-pattern"], id="a name that the pattern does not take"),
        pytest.param(lives("kube-x"), ["reserved-name"], id="a reserved name"),
        pytest.param(lives(given={labels.TIER: "xl"}), ["tier-exists"], id="an unknown tier"),
        pytest.param(lives(given={labels.TIER: None}), ["tier-exists"], id="no tier"),
        pytest.param(lives(given={labels.TEAM: None}), ["managed-labels-complete"], id="no team"),
        pytest.param(lives(given={ENFORCE: "privileged"}), ["pod-security-floor"], id="below the floor"),
        pytest.param(lives(given={WARN: None}), ["defaults-present"], id="a missing level"),
        pytest.param(lives(given={f"{ENFORCE}-version": "v1.20"}), ["pod-security-floor"], id="a pinned one"),
        pytest.param(
            lives(annotations={labels.REQUESTED_BY: None}), ["defaults-present"], id="no record of who asked"
        ),
        pytest.param(lives(annotations={labels.TTL: "soon"}), ["ttl-valid"], id="no lifetime"),
        pytest.param(lives(annotations={labels.QUOTA: "pods=1"}), ["quota-in-bounds"], id="a quota"),
        pytest.param(lives(owners=("Pod/x 1",)), ["no-owner-references"], id="an owner"),
        pytest.param(
            lives("kube-x", {labels.TIER: "xl", ENFORCE: "privileged"}, owners=("Pod/x 1",)),
            ["reserved-name", "tier-exists", "pod-security-floor", "no-owner-references"],
            id="all at once",
        ),
        pytest.param(lives(given={"platform/team": "shop"}), [], id="another team, which it may belong to"),
        pytest.param(lives(annotations={labels.REQUESTED_BY: "root"}), [], id="somebody asked for it"),
        pytest.param(lives(given={labels.EXPIRES_AT: "1"}), [], id="the controller's own label"),
        pytest.param(lives(annotations={labels.DELETION_PROTECTION: "true"}), [], id="protection"),
        pytest.param(lives("kube-system", UNMANAGED), [], id="an exempt one"),
        pytest.param(lives(given={labels.TIER: "xl"}, terminating=True), [], id="one that is going"),
    ],
)
def test_a_managed_namespace(resident: Resident, rules: list[str]) -> None:
    assert told(resident) == rules


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        pytest.param({}, ["unmanaged"], id="without any label of ours"),
        pytest.param({labels.TIER: "large"}, ["unmanaged"], id="with a tier"),
        pytest.param({labels.TIER: "xl"}, ["unmanaged", "tier-exists"], id="with an unknown tier"),
        pytest.param({ENFORCE: "privileged"}, ["unmanaged", "pod-security-floor"], id="below the floor"),
        pytest.param(
            {labels.MANAGED_BY: "Helm"}, ["unmanaged", "managed-labels-complete"], id="another manager's"
        ),
    ],
)
def test_one_that_nobody_manages(given: Changes, rules: list[str]) -> None:
    assert told(lives("shop", {**UNMANAGED, **given}, {labels.REQUESTED_BY: None})) == rules


def test_one_that_nobody_manages_comes_with_the_way_to_adopt_it() -> None:
    found = sweep.of(POLICY, [lives("shop", UNMANAGED, {labels.REQUESTED_BY: None})]).findings
    assert [wording.sentence(each.violation) for each in found] == [
        "[unmanaged] metadata.labels[app.kubernetes.io/managed-by]: nobody manages the namespace; "
        "allowed: ns-provisioner; adopt it as an admin: kubectl label namespace shop --overwrite "
        "app.kubernetes.io/managed-by=ns-provisioner platform/team=shop platform/tier=small "
        "pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/warn=restricted "
        "&& kubectl annotate namespace shop platform/requested-by=WHO-ASKED-FOR-IT"
    ]


def test_what_the_adoption_leaves_is_a_namespace_with_which_nothing_is_wrong() -> None:
    adopted = {**COMPLETE, labels.TEAM: "shop"}
    assert told(lives("shop", adopted, {labels.REQUESTED_BY: "WHO-ASKED-FOR-IT"})) == []


@pytest.mark.parametrize(
    ("unlabelled", "rules"),
    [
        pytest.param("default", ["unmanaged"], id="which would get the default tier"),
        pytest.param("deny", ["unmanaged", "tier-exists"], id="which would be refused"),
        pytest.param("ignore", [], id="which would be left alone"),
    ],
)
def test_one_without_a_tier(unlabelled: str, rules: list[str]) -> None:
    assert told(lives("shop", UNMANAGED), policy(unlabelled=unlabelled)) == rules


@pytest.mark.parametrize(
    ("rules", "resident", "expected"),
    [
        pytest.param(
            policy(required_labels={"cost-centre": Pattern("[0-9]{4}")}),
            lives(),
            ["required-metadata"],
            id="a label that the platform asks for",
        ),
        pytest.param(policy(team_separator="-"), lives("shop"), ["name-agrees-with-team"], id="its team's"),
        pytest.param(with_tier(ttl="7d"), lives(), [], id="a proposed lifetime may be taken off"),
        pytest.param(with_tier(max_ttl="7d"), lives(), ["defaults-present"], id="a maximum may not"),
        pytest.param(
            with_tier(max_ttl="7d"), lives(annotations={labels.TTL: "8d"}), ["ttl-valid"], id="nor exceeded"
        ),
        pytest.param(
            with_tier(allowed_groups=frozenset({"team-shop"})), lives(), [], id="a tier that not all may have"
        ),
        pytest.param(
            policy(modes={"tier-exists": "warn"}),
            lives(given={labels.TIER: "xl"}),
            ["(tier-exists)"],
            id="a rule that only warns makes a note",
        ),
    ],
)
def test_another_catalogue(rules: Policy, resident: Resident, expected: list[str]) -> None:
    assert told(resident, rules) == expected


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        pytest.param(None, NEVER_PROVISIONED, id="none"),
        pytest.param(
            Condition(ConditionStatus.FALSE, "OverBudget", "no room"),
            NOT_PROVISIONED,
            id="one that is not True",
        ),
    ],
)
def test_a_bundle_that_is_not_complete_is_a_note(condition: Condition | None, sentence: str) -> None:
    found = sweep.of(POLICY, [lives(provisioned=condition)])
    assert [wording.sentence(each.violation) for each in found.findings] == [sentence]
    assert found.violators == []


def test_the_order_does_not_depend_on_the_list() -> None:
    residents = [lives(f"kube-{number:02}", {labels.TIER: "xl"}) for number in range(20)]
    shuffled = random.Random(7).sample(residents, k=20)
    assert sweep.of(POLICY, shuffled) == sweep.of(POLICY, residents)
    assert sweep.of(POLICY, shuffled).violators == [each.name for each in residents]


def test_everything_is_counted() -> None:
    residents = [lives(), lives("default"), lives("going", terminating=True), lives("shop", UNMANAGED)]
    found = sweep.of(POLICY, [*residents, replace(lives(), name="other")])
    assert (found.looked_at, found.exempt, found.terminating) == (3, 1, 1)
    assert found.violators == ["shop"]
