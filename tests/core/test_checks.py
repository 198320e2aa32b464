"""Every rule on CREATE: what it lets pass, what it refuses, and in which words."""

import dataclasses
import re

import pytest

from tests.core.builders import ADMINS, ENFORCE, POLICY, WARN, Changes, facts, state, verdict, violations
from webhook.core import decide, labels, wording
from webhook.core.model import Decision, Facts, Violation

NAME_RULE = "^[a-z][a-z0-9-]{1,30}$ without a trailing hyphen"
API = "system:serviceaccount:ns-provisioner:ns-provisioner-api"
RESERVED = (
    "names that do not begin with kube-, openshift- and are not admin, cert-manager, default, "
    "kube-node-lease, kube-public, kube-system, ns-provisioner"
)


def _rules(asked: Facts) -> list[str]:
    return [violation.rule for violation in violations(asked)]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(facts(), id="a complete namespace"),
        pytest.param(facts(name="ab"), id="the shortest name"),
        pytest.param(facts(name="a" + "b" * 30), id="the longest name"),
        pytest.param(facts(name="a-1"), id="a name with a hyphen and a digit"),
        pytest.param(facts(name="kubernetes"), id="a name that only resembles a reserved prefix"),
        pytest.param(facts(name="administration"), id="a name that only begins like a reserved one"),
        pytest.param(
            facts(labels={labels.TEAM: "checkout"}), id="a team with another name than the namespace"
        ),
        pytest.param(facts(labels={labels.TIER: "freemium"}), id="another tier"),
        pytest.param(facts(labels={"owner": "jane"}), id="a label that is none of our business"),
        pytest.param(
            facts(groups=ADMINS, annotations={labels.REQUESTED_BY: "bob"}),
            id="an admin asks for somebody else",
        ),
        pytest.param(
            facts(user=API, groups=(), annotations={labels.REQUESTED_BY: "bob"}),
            id="our API asks for somebody else",
        ),
    ],
)
def test_allows(asked: Facts) -> None:
    assert verdict(asked) == Decision()


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        pytest.param("Payments", "payments", id="capitals"),
        pytest.param("my_team", "my-team", id="an underscore"),
        pytest.param("9lives", "lives", id="a digit in front"),
        pytest.param("-pay", "pay", id="a hyphen in front"),
        pytest.param("pay-", "pay", id="a hyphen behind"),
        pytest.param("", "payments", id="no name at all"),
        pytest.param("x", "payments", id="a single letter"),
        pytest.param("123", "payments", id="digits only"),
        pytest.param("-", "payments", id="a hyphen only"),
        pytest.param("a" * 32, "a" * 31, id="one letter too long"),
        pytest.param("a" * 64, "a" * 31, id="64 letters"),
        pytest.param("a" * 100_000, "a" * 31, id="a hundred thousand letters"),
        pytest.param("payments\n", "payments", id="a newline behind"),
        pytest.param("pay ments", "pay-ments", id="a space"),
        pytest.param("pay.ments", "pay-ments", id="a dot"),
        pytest.param("zahlungen-für-a", "zahlungen-f-r-a", id="a letter that is not ASCII"),
        pytest.param("\u0440ayments", "ayments", id="a Cyrillic letter that looks Latin"),
        pytest.param("team\u0661", "team", id="an Arabic digit"),
    ],
)
def test_name_pattern(name: str, instead: str) -> None:
    shown = wording.quote(name)
    assert violations(facts(name=name)) == (
        Violation(
            rule="name-pattern",
            path="metadata.name",
            sent=f"{shown} is not a valid name",
            allowed=NAME_RULE,
            suggestion=f'for instance "{instead}"',
        ),
    )


def test_a_name_longer_than_kubernetes_takes_is_refused_whatever_the_pattern_says() -> None:
    generous = dataclasses.replace(POLICY, name_pattern=re.compile("[a-z]+"))
    for length, allowed in ((63, True), (64, False)):
        assert decide.validate(facts(name="a" * length), generous).allowed is allowed


@pytest.mark.parametrize(
    ("team", "rules"),
    [
        pytest.param("Payments", ["name-pattern"], id="capitals"),
        pytest.param("payments\n", ["name-pattern"], id="a newline behind"),
        pytest.param("pay-", ["name-pattern"], id="a hyphen behind"),
        pytest.param("a" * 64, ["name-pattern"], id="64 letters"),
        pytest.param("", ["managed-labels-complete"], id="empty"),
        pytest.param(None, ["managed-labels-complete"], id="missing"),
    ],
)
def test_team(team: str | None, rules: list[str]) -> None:
    found = violations(facts(labels={labels.TEAM: team}))
    assert [violation.rule for violation in found] == rules
    assert {violation.path for violation in found} == {"metadata.labels[platform/team]"}


def test_a_wrong_name_that_is_also_the_team_is_reported_once() -> None:
    assert _rules(facts(name="Pay", labels={labels.TEAM: "Pay"})) == ["name-pattern"]


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        pytest.param("admin", "choose another name", id="a reserved name"),
        pytest.param("default", "choose another name", id="an exempt name"),
        pytest.param("kube-system", 'for instance "system"', id="an exempt name with a reserved prefix"),
        pytest.param("kube-payments", 'for instance "payments"', id="a reserved prefix"),
        pytest.param("openshift-logs", 'for instance "logs"', id="the other reserved prefix"),
        pytest.param("kube-apps", 'for instance "apps"', id="a reserved prefix before a free name"),
    ],
)
@pytest.mark.parametrize("groups", [(), ADMINS], ids=["by a tenant", "by an admin"])
def test_reserved_name(name: str, way_out: str, groups: tuple[str, ...]) -> None:
    assert violations(facts(name=name, groups=groups)) == (
        Violation(
            rule="reserved-name",
            path="metadata.name",
            sent=f'"{name}" is reserved',
            allowed=RESERVED,
            suggestion=way_out,
        ),
    )


@pytest.mark.parametrize("name", ["kube-admin", "kube-kube-a", "openshift-1", "kube-x"])
def test_the_name_suggested_instead_of_a_reserved_one_is_free(name: str) -> None:
    (violation,) = violations(facts(name=name))
    suggestion = violation.suggestion
    assert suggestion == "choose another name" or not violations(facts(name=suggestion.split('"')[1]))


@pytest.mark.parametrize(
    ("tier", "sent", "guess"),
    [
        pytest.param("smal", '"smal" is not a tier', "small", id="a typing error"),
        pytest.param("Medium", '"Medium" is not a tier', "medium", id="a capital"),
        pytest.param("XL", '"XL" is not a tier', "large", id="a shirt size"),
        pytest.param("m", '"m" is not a tier', "medium", id="a small shirt size"),
        pytest.param("small ", '"small " is not a tier', "small", id="a space behind"),
        pytest.param("small\n", '"small\\n" is not a tier', "small", id="a newline behind"),
        pytest.param("", '"" is not a tier', "small", id="an empty label"),
        pytest.param(None, "the label is missing", "small", id="no label"),
    ],
)
def test_tier_exists(tier: str | None, sent: str, guess: str) -> None:
    assert violations(facts(labels={labels.TIER: tier})) == (
        Violation(
            rule="tier-exists",
            path="metadata.labels[platform/tier]",
            sent=sent,
            allowed="freemium, small, medium, large",
            suggestion=f'try platform/tier: "{guess}"',
        ),
    )


@pytest.mark.parametrize(
    ("manager", "sent"),
    [
        pytest.param("Helm", '"Helm" is another manager', id="another manager"),
        pytest.param("ns-provisioner\n", '"ns-provisioner\\n" is another manager', id="a newline behind"),
        pytest.param(None, "the label is missing", id="missing"),
    ],
)
def test_the_manager_is_us(manager: str | None, sent: str) -> None:
    (violation,) = violations(facts(labels={labels.MANAGED_BY: manager}))
    assert violation.rule == "managed-labels-complete"
    assert violation.path == "metadata.labels[app.kubernetes.io/managed-by]"
    assert (violation.sent, violation.allowed) == (sent, "ns-provisioner")


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({"labels": {ENFORCE: None}}, [f"metadata.labels[{ENFORCE}]"], id="a level"),
        pytest.param(
            {"labels": {ENFORCE: None, WARN: None}},
            [f"metadata.labels[{ENFORCE}]", f"metadata.labels[{WARN}]"],
            id="both levels",
        ),
        pytest.param(
            {"annotations": {labels.REQUESTED_BY: None}},
            ["metadata.annotations[platform/requested-by]"],
            id="the record of who asked",
        ),
    ],
)
@pytest.mark.parametrize("groups", [(), ADMINS], ids=["by a tenant", "by an admin"])
def test_what_mutation_would_have_added_is_asked_for(
    changes: dict[str, Changes], missing: list[str], groups: tuple[str, ...]
) -> None:
    found = violations(facts(groups=groups, **changes))  # type: ignore[arg-type]
    assert [(violation.rule, violation.path) for violation in found] == [
        ("defaults-present", path) for path in missing
    ]


def test_the_levels_asked_for_are_those_of_the_tier() -> None:
    strict = dataclasses.replace(POLICY.tiers["large"], pod_security={"enforce": "restricted"})
    policy = dataclasses.replace(POLICY, tiers={**POLICY.tiers, "large": strict})
    asked = facts(labels={labels.TIER: "large", ENFORCE: None, WARN: None})
    (violation,) = decide.validate(asked, policy).violations
    assert (violation.path, violation.allowed) == (f"metadata.labels[{ENFORCE}]", '"restricted"')


@pytest.mark.parametrize(
    ("user", "allowed"),
    [
        pytest.param(API, True, id="our API"),
        pytest.param("system:serviceaccount:payments:ns-provisioner-api", False, id="its namesake elsewhere"),
        pytest.param(API + "\n", False, id="a newline behind"),
        pytest.param("", False, id="nobody"),
    ],
)
def test_only_requesters_say_that_somebody_else_asked(user: str, allowed: bool) -> None:
    found = _rules(facts(user=user, annotations={labels.REQUESTED_BY: "bob"}))
    assert found == ([] if allowed else ["requested-by-true"])


def test_requesters_are_those_of_the_policy() -> None:
    policy = dataclasses.replace(POLICY, requesters=frozenset({"robot"}))
    for user, allowed in (("robot", True), (API, False)):
        asked = facts(user=user, annotations={labels.REQUESTED_BY: "bob"})
        assert decide.validate(asked, policy).allowed is allowed


def test_a_requester_is_no_admin() -> None:
    asked = facts(user=API, labels={labels.TEAM: "checkout"}, old=state())
    assert _rules(asked) == ["managed-labels-immutable"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"annotations": {labels.REQUESTED_BY: "bob"}}, 403, id="a matter of rights only"),
        pytest.param({"name": "Pay"}, 422, id="a matter of content only"),
        pytest.param({"name": "Pay", "annotations": {labels.REQUESTED_BY: "bob"}}, 422, id="both"),
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
        "[pod-security-floor] metadata.labels[pod-security.kubernetes.io/enforce]: it would be removed; "
        'allowed: baseline, restricted; set pod-security.kubernetes.io/enforce: "baseline"',
        id="pod-security-floor, removed",
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
    assert not violations(facts(labels={labels.TEAM: team}))


def test_a_missing_label_is_not_answered_with_leaving_it_out() -> None:
    (violation,) = violations(facts(labels={labels.MANAGED_BY: None}))
    assert "leave the label out" not in violation.suggestion


def test_the_policy_decides_and_not_a_constant() -> None:
    assert POLICY.name_pattern.pattern == "^[a-z][a-z0-9-]{1,30}$"
    assert POLICY.default_tier == "small"
