"""The words and the HTTP status of a denial."""

import pytest

from tests.core.builders import (
    ENFORCE,
    STRANGER,
    Changes,
    deletion,
    facts,
    policy,
    state,
    verdict,
    violations,
    with_tier,
)
from webhook.core import labels, wording
from webhook.core.model import Caller, Facts
from webhook.core.pattern import Pattern

NAME_RULE = "^[a-z][a-z0-9-]{1,30}$ without a trailing hyphen"
RESERVED = (
    "names that do not begin with kube-, openshift- and are not admin, cert-manager, default, "
    "kube-node-lease, kube-public, kube-system, ns-provisioner"
)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"annotations": {labels.REQUESTED_BY: "bob"}}, 403, id="a matter of rights only"),
        pytest.param({"name": "Pay"}, 422, id="a matter of content only"),
        pytest.param({"name": "Pay", "annotations": {labels.REQUESTED_BY: "bob"}}, 422, id="both"),
        pytest.param({"groups": STRANGER}, 403, id="another's team"),
        pytest.param({"annotations": {labels.TTL: "7 days"}}, 422, id="a wrong lifetime"),
        pytest.param({"annotations": {labels.QUOTA: "pods=1"}}, 422, id="a limit that cannot be set"),
        pytest.param(
            {"annotations": {labels.TTL: "7d"}, "old": state(), "groups": STRANGER}, 403, id="settings"
        ),
        pytest.param({}, 200, id="nothing wrong"),
    ],
)
def test_code(changes: dict[str, str | Changes], code: int) -> None:
    assert verdict(facts(**changes)).code == code  # type: ignore[arg-type]


MESSAGES = [
    pytest.param(
        facts(name="Payments"),
        '[name-pattern] metadata.name: "Payments" is not a valid name; '
        f'allowed: {NAME_RULE}; for instance "payments"',
        id="name-pattern",
    ),
    pytest.param(
        facts(name="kube-logs"),
        f'[reserved-name] metadata.name: "kube-logs" is reserved; allowed: {RESERVED}; for instance "logs"',
        id="reserved-name",
    ),
    pytest.param(
        facts(labels={labels.TIER: "huge"}),
        '[tier-exists] metadata.labels[platform/tier]: "huge" is not a tier; '
        'allowed: freemium, small, medium, large; try platform/tier: "large"',
        id="tier-exists",
    ),
    pytest.param(
        facts(labels={labels.MANAGED_BY: "Helm"}),
        '[managed-labels-complete] metadata.labels[app.kubernetes.io/managed-by]: "Helm" is another '
        'manager; allowed: ns-provisioner; set it to "ns-provisioner", or leave the label out',
        id="managed-labels-complete, manager",
    ),
    pytest.param(
        facts(labels={labels.TEAM: None}),
        "[managed-labels-complete] metadata.labels[platform/team]: no team is named; "
        'allowed: the name of the owning team; set platform/team: "payments"',
        id="managed-labels-complete, team",
    ),
    pytest.param(
        facts(annotations={labels.REQUESTED_BY: "root"}),
        '[requested-by-true] metadata.annotations[platform/requested-by]: "root" is not the caller; '
        'allowed: "jane"; leave the annotation out, admission fills it in',
        id="requested-by-true",
    ),
    pytest.param(
        facts(labels={ENFORCE: None}),
        "[defaults-present] metadata.labels[pod-security.kubernetes.io/enforce]: it is missing, and "
        'admission has not added it; allowed: "baseline"; set it, or try again',
        id="defaults-present",
    ),
    pytest.param(
        facts(labels={ENFORCE: "privileged"}),
        '[pod-security-floor] metadata.labels[pod-security.kubernetes.io/enforce]: "privileged" is below '
        "the tier's level; allowed: baseline, restricted; set pod-security.kubernetes.io/enforce: "
        '"baseline"',
        id="pod-security-floor",
    ),
    pytest.param(
        facts(labels={ENFORCE: None}, old=state()),
        "[pod-security-floor] metadata.labels[pod-security.kubernetes.io/enforce]: it would be missing; "
        'allowed: baseline, restricted; set pod-security.kubernetes.io/enforce: "baseline"',
        id="pod-security-floor, removed",
    ),
    pytest.param(
        facts(groups=STRANGER),
        '[team-is-callers] metadata.labels[platform/team]: "payments" is not one of your teams; '
        'allowed: "shop"; set platform/team: "shop"',
        id="team-is-callers",
    ),
    pytest.param(
        facts(annotations={labels.TTL: "7 days"}),
        '[ttl-valid] metadata.annotations[platform/ttl]: "7 days" is no lifetime; '
        'allowed: a number and one of s, m, h, d, up to 3650d; for instance platform/ttl: "7d"',
        id="ttl-valid",
    ),
    pytest.param(
        facts(annotations={labels.QUOTA: "pods=3"}),
        '[quota-in-bounds] metadata.annotations[platform/quota]: "pods" cannot be set; allowed: nothing: '
        "tier small has its limits as they are; leave the annotation out, or take a larger tier",
        id="quota-in-bounds",
    ),
    pytest.param(
        deletion(state(), Caller("mallory", STRANGER)),
        '[deletion-allowed] metadata.labels[platform/team]: the namespace belongs to team "payments", which '
        "you are not in; allowed: members of team-payments, platform-admins, system:masters; ask the team",
        id="deletion-allowed",
    ),
]


@pytest.mark.parametrize(("asked", "message"), MESSAGES)
def test_the_whole_message(asked: Facts, message: str) -> None:
    assert wording.denial(verdict(asked)) == message


def test_everything_that_is_wrong_is_said_at_once() -> None:
    asked = facts(name="Pay_1", labels={labels.TIER: "huge"}, annotations={labels.REQUESTED_BY: "x"})
    assert wording.denial(verdict(asked)) == (
        "3 rules are broken:\n"
        f'  [name-pattern] metadata.name: "Pay_1" is not a valid name; allowed: {NAME_RULE}; '
        'for instance "pay-1"\n'
        '  [tier-exists] metadata.labels[platform/tier]: "huge" is not a tier; '
        'allowed: freemium, small, medium, large; try platform/tier: "large"\n'
        '  [requested-by-true] metadata.annotations[platform/requested-by]: "x" is not the caller; '
        'allowed: "jane"; leave the annotation out, admission fills it in'
    )


def test_the_team_suggested_is_a_legal_one() -> None:
    found = violations(facts(name="Pay_1", labels={labels.TEAM: None}))
    (team,) = [violation.suggestion.split('"')[1] for violation in found if "team" in violation.path]
    assert not violations(facts(labels={labels.TEAM: team}, groups=(f"team-{team}",)))


def test_the_team_suggested_is_never_empty() -> None:
    anything = policy(name_pattern=Pattern(".*"))
    (violation,) = violations(facts(name="123", labels={labels.TEAM: None}), anything)
    assert violation.suggestion == 'set platform/team: "payments"'


def test_a_missing_label_is_not_answered_with_leaving_it_out() -> None:
    (violation,) = violations(facts(labels={labels.MANAGED_BY: None}))
    assert "leave the label out" not in violation.suggestion


def test_a_deletion_is_refused_as_a_matter_of_rights() -> None:
    guarded = with_tier(deletion_protection=True)
    refused = verdict(deletion(state(), Caller("mallory", STRANGER)), guarded)
    assert (refused.code, len(refused.violations)) == (403, 2)
