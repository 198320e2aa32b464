"""What namespaces and teams may be called."""

import pytest

from tests.core.builders import (
    ADMINS,
    FLUX,
    POLICY,
    TENANT,
    facts,
    policy,
    rules,
    state,
    verdict,
    violations,
)
from webhook.core import labels, wording
from webhook.core.model import Decision, Facts, Violation
from webhook.core.pattern import Pattern

NAME_RULE = "^[a-z][a-z0-9-]{1,30}$ without a trailing hyphen"
RESERVED = (
    "names that do not begin with kube-, openshift- and are not admin, cert-manager, default, "
    "kube-node-lease, kube-public, kube-system, ns-provisioner"
)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(facts(), id="a plain word"),
        pytest.param(facts(name="ab"), id="the shortest name"),
        pytest.param(facts(name="a" + "b" * 30), id="the longest name"),
        pytest.param(facts(name="a-1"), id="a name with a hyphen and a digit"),
        pytest.param(facts(name="kubernetes"), id="a name that only resembles a reserved prefix"),
        pytest.param(facts(name="administration"), id="a name that only begins like a reserved one"),
        pytest.param(
            facts(labels={labels.TEAM: "checkout"}, groups=("team-checkout",)),
            id="a team with another name than the namespace",
        ),
        pytest.param(facts(name="payments-dev"), id="a team's name and more"),
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
        pytest.param("pay\ud800ments", "pay-ments", id="half a surrogate pair"),
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
    generous = policy(name_pattern=Pattern("[a-z]+"))
    for length, allowed in ((63, True), (64, False)):
        assert verdict(facts(name="a" * length), generous).allowed is allowed


@pytest.mark.parametrize("team", ["Payments", "payments\n", "pay-", "a" * 64, "\ud800"], ids=ascii)
def test_a_team_is_called_as_the_pattern_says(team: str) -> None:
    """Even by one who is in a group of that name."""
    (violation,) = violations(facts(labels={labels.TEAM: team}, groups=(f"team-{team}",)))
    assert (violation.rule, violation.path) == ("name-pattern", "metadata.labels[platform/team]")


@pytest.mark.parametrize("name", ["Pay", "x", "pay-"])
def test_a_wrong_name_that_is_also_the_team_is_reported_once(name: str) -> None:
    asked = facts(name=name, labels={labels.TEAM: name}, groups=(f"team-{name}",))
    assert [(found.rule, found.path) for found in violations(asked)] == [("name-pattern", "metadata.name")]


@pytest.mark.parametrize(
    ("team", "broken"),
    [
        pytest.param("Old_Team", ["name-pattern"], id="a bad one"),
        pytest.param("shop", [], id="a good one"),
    ],
)
def test_an_admin_gives_a_namespace_to_a_team(team: str, broken: list[str]) -> None:
    assert rules(facts(labels={labels.TEAM: team}, old=state(), groups=ADMINS)) == broken


def test_a_team_with_an_old_name_may_stay() -> None:
    old = state(labels={labels.TEAM: "Old_Team"})
    assert not violations(facts(labels={labels.TEAM: "Old_Team", "note": "x"}, old=old, groups=ADMINS))


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
@pytest.mark.parametrize("groups", [TENANT, ADMINS], ids=["by a tenant", "by an admin"])
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


def test_the_names_that_are_reserved_are_those_of_the_policy() -> None:
    assert not violations(facts(name="admin"), policy(reserved_names=frozenset()))
    assert rules(facts(name="web"), policy(reserved_names=frozenset({"web"}))) == ["reserved-name"]
    assert not violations(facts(name="kube-x"), policy(reserved_prefixes=()))


def agreement(name: str, team: str, separator: str) -> list[str]:
    """The rules on its name that a request of a member of the team breaks."""
    asked = facts(name=name, labels={labels.TEAM: team}, groups=(f"team-{team}",))
    return rules(asked, policy(team_separator=separator))


@pytest.mark.parametrize(
    ("name", "team", "verdicts"),
    [
        pytest.param("payments", "payments", "yes yes yes", id="the team's own name"),
        pytest.param("payments-dev", "payments", "yes yes no", id="the team, a hyphen and a rest"),
        pytest.param("payments--dev", "payments", "yes yes yes", id="the team, two hyphens and a rest"),
        pytest.param("payments---dev", "payments", "yes yes yes", id="the team, three hyphens and a rest"),
        pytest.param("dev", "payments", "yes no no", id="another word"),
        pytest.param("paymentsdev", "payments", "yes no no", id="the team's name without a separator"),
        pytest.param("dev-payments", "payments", "yes no no", id="the team's name at the end"),
        pytest.param("pay", "payments", "yes no no", id="a beginning of the team's name"),
        pytest.param("pay-dev", "pay-dev", "yes no yes", id="a team with a hyphen, its own name"),
        pytest.param("pay-dev--x", "pay-dev", "yes no yes", id="a team with a hyphen, and a rest"),
        pytest.param("pay--dev", "pay--dev", "yes no no", id="a team with two hyphens, its own name"),
    ],
)
def test_name_agrees_with_team(name: str, team: str, verdicts: str) -> None:
    """Without a separator, with one hyphen, and with two."""
    for separator, word in zip(("", "-", "--"), verdicts.split(), strict=True):
        assert agreement(name, team, separator) == ([] if word == "yes" else ["name-agrees-with-team"])


@pytest.mark.parametrize(
    ("asked", "sent", "allowed", "suggestion"),
    [
        pytest.param(
            facts(name="checkout"),
            '"checkout" does not belong to team "payments"',
            '"payments", and names that begin with "payments-"',
            'for instance "payments-checkout"',
            id="another team's name",
        ),
        pytest.param(
            facts(name="a-b", labels={labels.TEAM: "a-b"}, groups=("team-a-b",)),
            '"a-b" has the separator "-" in it',
            "names of which only one team can be meant",
            'for instance "ab"',
            id="a team with the separator in it",
        ),
    ],
)
def test_what_is_said_of_a_name_that_disagrees(
    asked: Facts, sent: str, allowed: str, suggestion: str
) -> None:
    hyphen = policy(team_separator="-")
    (found,) = violations(asked, hyphen)
    assert (found.sent, found.allowed, found.suggestion) == (sent, allowed, suggestion)
    assert not found.forbidden
    instead = suggestion.split('"')[1]
    again = facts(name=instead, labels={labels.TEAM: instead.partition("-")[0]}, groups=("team-ab", *TENANT))
    assert verdict(again, hyphen) == Decision(), "what is suggested, does it"


@pytest.mark.parametrize("name", ["b" * 22, "b" * 31, "a-" * 15 + "b", "payment"])
@pytest.mark.parametrize("team", ["payments", "p" * 27])
def test_the_name_suggested_instead_is_one_that_can_be_had(name: str, team: str) -> None:
    """Also where the team's name and the rest are too long to stand together."""
    hyphen, groups = policy(team_separator="-"), (f"team-{team}",)
    (found,) = violations(facts(name=name, labels={labels.TEAM: team}, groups=groups), hyphen)
    instead = found.suggestion.split('"')[1]
    assert not violations(facts(name=instead, labels={labels.TEAM: team}, groups=groups), hyphen)


@pytest.mark.parametrize(("user", "groups"), [("root", ADMINS), (FLUX, ())], ids=["an admin", "an applier"])
@pytest.mark.parametrize(
    ("name", "team", "broken"),
    [
        pytest.param("web-dev", "web", [], id="whose name it bears"),
        pytest.param("web-dev", "shop", ["name-agrees-with-team"], id="whose name it does not bear"),
        pytest.param("web-dev", "web-dev", ["name-agrees-with-team"], id="with the separator in its name"),
    ],
)
def test_a_namespace_is_given_to_a_team(
    user: str, groups: tuple[str, ...], name: str, team: str, broken: list[str]
) -> None:
    asked = facts(name=name, labels={labels.TEAM: team}, old=state(), user=user, groups=groups)
    assert rules(asked, policy(team_separator="-")) == broken


def test_what_is_there_from_before_the_separator_can_still_be_updated() -> None:
    asked = facts(name="dev", labels={"note": "x"}, old=state())
    assert verdict(asked, policy(team_separator="-")) == Decision()


def test_the_policy_decides_and_not_a_constant() -> None:
    assert POLICY.name_pattern.text == "^[a-z][a-z0-9-]{1,30}$"
    letters = policy(name_pattern=Pattern("[a-z]{4,}"))
    assert rules(facts(name="abc"), letters) == ["name-pattern"]
    assert rules(facts(name="abcd-e"), letters) == ["name-pattern"]
    assert rules(facts(name="a" * 40), letters) == []
