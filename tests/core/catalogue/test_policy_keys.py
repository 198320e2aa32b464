"""The keys of `policy`: what each means, what it is when left out, and what is said of a wrong one."""

import pytest

from tests.core.catalogue.files import WHOLE, minimal, parsed, places, problems
from webhook.core import catalogue
from webhook.core.pattern import Pattern
from webhook.core.policy import SYSTEM_NAMESPACES, Policy, TeamGroups
from webhook.core.rules import MANAGED_OBJECTS, RULES

RULE_NAMES = ", ".join(sorted([*(rule.id for rule in RULES), MANAGED_OBJECTS.id]))


def policy(**settings: object) -> Policy:
    return parsed(minimal(policy=settings))


def test_a_catalogue_that_says_no_more_than_it_has_to() -> None:
    found = policy()
    assert found.default_tier == "small"
    assert found.unlabelled == "default"
    assert found.name_pattern == Pattern("^[a-z][a-z0-9-]{1,30}$")
    assert found.team_separator == ""
    assert found.reserved_names == set()
    assert found.reserved_prefixes == ("kube-",)
    assert found.exempt_names == SYSTEM_NAMESPACES
    assert found.admin_groups == {"platform-admins", "system:masters"}
    assert found.requesters | found.appliers | found.controllers == set()
    assert found.team_groups == TeamGroups("team-")
    assert (found.required_labels, found.required_annotations, found.modes) == ({}, {}, {})
    assert list(found.tiers) == ["small"]


def test_every_key_may_be_left_out_or_said_as_it_is() -> None:
    settings = {"defaultTier": "small", **catalogue.POLICY_DEFAULTS}
    said = parsed({**minimal(), "policy": settings})
    assert said.revision != policy().revision
    assert {name: getattr(said, name) for name in said.__dataclass_fields__ if name != "revision"} == {
        name: getattr(policy(), name) for name in said.__dataclass_fields__ if name != "revision"
    }


@pytest.mark.parametrize(
    ("key", "value", "field", "found"),
    [
        ("unlabelled", "deny", "unlabelled", "deny"),
        ("unlabelled", "ignore", "unlabelled", "ignore"),
        ("namePattern", "[a-z]+", "name_pattern", Pattern("[a-z]+")),
        ("teamSeparator", "-", "team_separator", "-"),
        ("teamSeparator", "--", "team_separator", "--"),
        ("teamSeparator", "", "team_separator", ""),
        ("reservedNames", ["a", "b", "a"], "reserved_names", {"a", "b"}),
        ("reservedPrefixes", ["a-", "b-"], "reserved_prefixes", ("a-", "b-")),
        ("reservedPrefixes", [], "reserved_prefixes", ()),
        ("exemptNames", ["flux-system"], "exempt_names", SYSTEM_NAMESPACES | {"flux-system"}),
        ("adminGroups", ["ops"], "admin_groups", {"ops"}),
        ("adminGroups", [], "admin_groups", set()),
        ("requesters", ["ci"], "requesters", {"ci"}),
        ("appliers", ["flux"], "appliers", {"flux"}),
        ("controllers", ["us"], "controllers", {"us"}),
        ("teamGroups", "", "team_groups", None),
        ("teamGroups", "{team}-devs", "team_groups", TeamGroups("", "-devs")),
        ("teamGroups", "oidc:{team}:dev", "team_groups", TeamGroups("oidc:", ":dev")),
        ("requiredLabels", {"cost": "[0-9]+"}, "required_labels", {"cost": Pattern("[0-9]+")}),
        ("requiredAnnotations", {"mail": ".+@.+"}, "required_annotations", {"mail": Pattern(".+@.+")}),
        ("modes", {"name-pattern": "warn"}, "modes", {"name-pattern": "warn"}),
        ("modes", {"managed-objects": "audit"}, "modes", {"managed-objects": "audit"}),
    ],
)
def test_what_a_key_means(key: str, value: object, field: str, found: object) -> None:
    assert getattr(policy(**{key: value}), field) == found


WRONG_SHAPES = [
    *(
        pytest.param(key, 5, f'policy.{key}: must be a list, not "5"', id=f"a number for {key}")
        for key in ("reservedNames", "reservedPrefixes", "exemptNames", "adminGroups")
    ),
    *(
        pytest.param(key, None, f"policy.{key}: must be a list, not nothing", id=f"nothing for {key}")
        for key in ("requesters", "appliers", "controllers")
    ),
    *(
        pytest.param(key, ["a"], f"policy.{key}: must be a mapping, not \"['a']\"", id=f"a list for {key}")
        for key in ("requiredLabels", "requiredAnnotations", "modes")
    ),
    *(
        pytest.param(
            key,
            None,
            f"policy.{key}: must be a text, not nothing (put it in quotes)",
            id=f"nothing for {key}",
        )
        for key in ("unlabelled", "namePattern", "teamSeparator", "teamGroups")
    ),
]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        *WRONG_SHAPES,
        pytest.param(
            "unlabelled",
            "refuse",
            'policy.unlabelled: "refuse" is not a known way; allowed: default, deny, ignore '
            "(did you mean `default`?)",
            id="a way that is none",
        ),
        pytest.param(
            "teamGroups",
            "developers",
            "policy.teamGroups: must hold {team} once (for instance team-{team})",
            id="groups without a place for the team",
        ),
        pytest.param(
            "teamGroups",
            "{team}-{team}",
            "policy.teamGroups: must hold {team} once (for instance team-{team})",
            id="groups with two places for it",
        ),
        pytest.param(
            "teamGroups",
            "{team}",
            "policy.teamGroups: would let a team be called like a group of the system "
            "(begin it with a word of your own, for instance team-{team})",
            id="the team alone as a group",
        ),
        pytest.param(
            "teamGroups",
            "system:{team}",
            "policy.teamGroups: would let a team be called like a group of the system "
            "(begin it with a word of your own, for instance team-{team})",
            id="groups of the system",
        ),
        pytest.param(
            "namePattern",
            "(?!kube-).*",
            "policy.namePattern: is not a regular expression of RE2: invalid perl operator: (?! "
            "(look-around and backreferences are not known, see its syntax page)",
            id="a pattern that looks ahead",
        ),
        pytest.param(
            "requiredLabels",
            {"cost": "(a)\\1"},
            "policy.requiredLabels.cost: is not a regular expression of RE2: invalid escape sequence: \\1 "
            "(look-around and backreferences are not known, see its syntax page)",
            id="a pattern that refers back",
        ),
        pytest.param(
            "requiredAnnotations",
            {"mail": True},
            'policy.requiredAnnotations.mail: must be a text, not "True" (put it in quotes)',
            id="a pattern that is no text",
        ),
        pytest.param(
            "requiredLabels",
            {"platform/team": ".*"},
            "policy.requiredLabels.platform/team: is ours, and has rules of its own (leave it out)",
            id="a pattern for a label of ours",
        ),
        pytest.param(
            "modes",
            {"name-patern": "warn"},
            f'policy.modes.name-patern: "name-patern" is not a rule; allowed: {RULE_NAMES} '
            "(did you mean `name-pattern`?)",
            id="a rule that is none",
        ),
        pytest.param(
            "modes",
            {"name-pattern": "off"},
            'policy.modes.name-pattern: "off" is not a mode; allowed: audit, enforce, warn '
            "(did you mean `enforce`?)",
            id="a mode that is none",
        ),
        pytest.param(
            "modes",
            {"name-pattern": False},
            'policy.modes.name-pattern: "False" is not a mode; allowed: audit, enforce, warn '
            "(did you mean `warn`?)",
            id="a mode that YAML reads as false",
        ),
        pytest.param(
            "appliers",
            ["system:serviceaccount:flux-system:kustomize-controller"],
            'policy.appliers[0]: whoever creates the namespace "flux-system" could become this account '
            "(add flux-system to policy.exemptNames)",
            id="an account of a namespace that anybody could create",
        ),
        pytest.param(
            "modes",
            {"managed-object": "warn"},
            f'policy.modes.managed-object: "managed-object" is not a rule; allowed: {RULE_NAMES} '
            "(did you mean `managed-objects`?)",
            id="the rule on objects, nearly",
        ),
    ],
)
def test_a_wrong_value(key: str, value: object, problem: str) -> None:
    assert problems(minimal(policy={key: value})) == [problem]


@pytest.mark.parametrize("value", ["_", "---", " ", "."])
def test_a_separator_that_is_none(value: str) -> None:
    (problem,) = problems(minimal(policy={"teamSeparator": value}))
    assert problem.startswith(f'policy.teamSeparator: "{value}" is not known')
    assert "did you mean `-" in problem


@pytest.mark.parametrize("text", ["x\n", "\x1b[2J", "a\u202eb", "a\0"], ids=ascii)
@pytest.mark.parametrize("key", ["exemptNames", "adminGroups", "reservedPrefixes"])
def test_a_text_is_one_that_can_be_seen(key: str, text: str) -> None:
    assert f"policy.{key}[0]" in places(minimal(policy={key: [text]}))


def test_an_account_of_no_namespace_is_none() -> None:
    (problem,) = problems(minimal(policy={"requesters": ["ci", "system:serviceaccount:"]}))
    assert problem.startswith("policy.requesters[1]: ")


def test_an_account_of_an_exempt_namespace_is_trusted() -> None:
    flux = "system:serviceaccount:flux-system:kustomize-controller"
    for key in ("requesters", "appliers", "controllers"):
        found = policy(**{key: [flux, "system:serviceaccount:kube-system:x"], "exemptNames": ["flux-system"]})
        assert flux in getattr(found, key)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param({"ttl": "7"}, "is no lifetime", id="a lifetime without a unit"),
        pytest.param({"tll": "7d"}, 'defaults.tll: "tll" is not a known key', id="a key that is none"),
        pytest.param({"quota": {}}, 'defaults.quota: "quota" is not a known key', id="a key of tiers alone"),
        pytest.param({"deletionProtection": "yes"}, "must be true or false", id="a word for true"),
        pytest.param([], 'defaults: must be a mapping, not "[]"', id="a list"),
    ],
)
def test_wrong_defaults(value: object, problem: str) -> None:
    assert problem in problems(minimal(defaults=value))[0]


def test_the_default_tier_may_be_only_one_of_the_file() -> None:
    found = problems(minimal({"large": WHOLE}))
    assert found == ['policy.defaultTier: "small" is not a tier; allowed: large (did you mean `large`?)']
