"""Tiers that say what they have in common once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.catalogue.files import LIMITS, WHOLE, minimal, parsed, places, problems
from webhook.core.policy import Tier

BASE: dict[str, Any] = {
    "abstract": True,
    **WHOLE,
    "networkPolicies": ["default-deny-all", "allow-dns-egress"],
    "overrides": {"quota": {"pods": {"min": 1, "max": 9}}},
    "ttl": "1d",
    "title": "What they share",
}


def child(changes: dict[str, Any], base: dict[str, Any] = BASE, **root: object) -> Tier:
    """The tier small, which extends `base` with changes."""
    return parsed(minimal({"base": base, "small": {"extends": "base", **changes}}, **root)).tiers["small"]  # type: ignore[arg-type]


def test_what_a_tier_does_not_say_is_its_parent_s() -> None:
    made = child({})
    assert made.quota == {"pods": "5", "requests.cpu": "2"}
    assert (made.default, made.default_request) == (LIMITS["default"], LIMITS["defaultRequest"])
    assert made.pod_security == {"enforce": "baseline"}
    assert list(made.network_policies) == ["default-deny-all", "allow-dns-egress"]
    assert made.ttl == "1d"
    assert made.overrides["pods"].maximum == "9"


def test_what_is_said_of_one_tier_is_not_inherited() -> None:
    base = {**BASE, "abstract": False, "replacedBy": "small"}
    both = parsed(minimal({"base": base, "small": {"extends": "base"}})).tiers
    assert list(both) == ["base", "small"]
    assert (both["base"].title, both["small"].title) == ("What they share", "small")
    assert (both["base"].replaced_by, both["small"].replaced_by) == ("small", None)


@pytest.mark.parametrize(
    ("changes", "quota"),
    [
        pytest.param({"quota": {"pods": "7"}}, {"pods": "7", "requests.cpu": "2"}, id="a value replaces"),
        pytest.param(
            {"quota": {"secrets": "3"}},
            {"pods": "5", "requests.cpu": "2", "secrets": "3"},
            id="a key is added",
        ),
        pytest.param({"quota": {"requests.cpu": None}}, {"pods": "5"}, id="null takes a key away"),
        pytest.param(
            {"quota": {"secrets": None}}, BASE["quota"], id="null of what is not there is nothing", marks=[]
        ),
        pytest.param({"quota": {}}, BASE["quota"], id="an empty mapping changes nothing"),
    ],
)
def test_mappings_merge(changes: dict[str, Any], quota: dict[str, str]) -> None:
    assert child(changes).quota == quota


def test_mappings_merge_however_deep() -> None:
    made = child({"limitRange": {"default": {"cpu": "2"}}, "overrides": {"quota": {"pods": {"max": 99}}}})
    assert (made.default, made.default_request) == ({"cpu": "2"}, {"cpu": "1"})
    bounds = made.overrides["pods"]
    assert (bounds.minimum, bounds.maximum) == ("1", "99")


def test_lists_replace() -> None:
    assert list(child({"networkPolicies": ["allow-same-namespace"]}).network_policies) == [
        "allow-same-namespace"
    ]
    assert child({"networkPolicies": []}).network_policies == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("ttl", None, id="a lifetime"),
        pytest.param("networkPolicies", "standard", id="a list, of which the standard is left"),
        pytest.param("overrides", {}, id="a mapping"),
    ],
)
def test_null_takes_away_what_was_inherited(key: str, value: object) -> None:
    made = child({key: None})
    found = {"ttl": made.ttl, "networkPolicies": len(made.network_policies), "overrides": made.overrides}
    assert found[key] == (3 if value == "standard" else value)


def test_null_takes_away_what_is_required_and_is_told_of() -> None:
    content = minimal({"base": BASE, "small": {"extends": "base", "podSecurity": None}})
    assert problems(content)[0] == "tiers.small.podSecurity: is missing"


def test_the_nearest_ancestor_wins() -> None:
    lineage = {
        "first": BASE,
        "second": {"abstract": True, "extends": "first", "ttl": "2d", "quota": {"pods": "6"}},
        "third": {"extends": "second", "ttl": "3d"},
        "small": {"extends": "third", "quota": {"secrets": "1"}},
    }
    found = parsed(minimal(lineage)).tiers
    assert list(found) == ["third", "small"]
    assert [each.ttl for each in found.values()] == ["3d", "3d"]
    assert found["third"].quota == {"pods": "6", "requests.cpu": "2"}
    assert found["small"].quota == {"pods": "6", "requests.cpu": "2", "secrets": "1"}


def test_the_order_in_the_file_is_of_no_matter() -> None:
    content = {"small": {"extends": "base", "quota": {"pods": "6"}}, "base": BASE}
    assert parsed(minimal(content)).tiers["small"] == child({"quota": {"pods": "6"}})


def test_a_tier_that_others_extend_may_be_one_itself() -> None:
    found = parsed(minimal({"small": WHOLE, "large": {"extends": "small", "quota": {"pods": "50"}}})).tiers
    assert [each.quota["pods"] for each in found.values()] == ["5", "50"]


def test_extending_changes_no_parent() -> None:
    """The parts of a document are not merged into each other."""
    content = minimal({"base": BASE, "small": {"extends": "base", "quota": {"pods": "6"}}})
    parsed(content)
    assert content["tiers"]["base"] == BASE


@pytest.mark.parametrize(
    ("tier", "default", "after"),
    [
        pytest.param({}, "7d", "7d", id="what no tier says is as the defaults say"),
        pytest.param({"ttl": "1d"}, "7d", "1d", id="what a tier says counts more"),
        pytest.param({"ttl": None}, "7d", None, id="null takes away what the defaults say"),
        pytest.param({}, None, None, id="no default"),
    ],
)
def test_defaults(tier: dict[str, Any], default: str | None, after: str | None) -> None:
    defaults = {} if default is None else {"ttl": default}
    content = minimal({"small": {**WHOLE, **tier}}, defaults=defaults)
    assert parsed(content).tiers["small"].ttl == after


def test_a_tier_of_its_own_kind_is_possible_whatever_the_defaults_say() -> None:
    """One that protects its namespaces beside others that all end."""
    kept = {**WHOLE, "ttl": None, "deletionProtection": True}
    found = parsed(minimal({"small": WHOLE, "kept": kept}, defaults={"ttl": "7d"})).tiers
    assert (found["small"].ttl, found["kept"].ttl) == ("7d", None)


def test_an_inherited_value_counts_more_than_a_default() -> None:
    assert child({}, defaults={"ttl": "7d", "maxTtl": "9d"}).ttl == "1d"


@pytest.mark.parametrize(
    ("tiers", "told"),
    [
        pytest.param(
            {"small": {"extends": "bsae", **WHOLE}, "base": BASE},
            ['tiers.small.extends: "bsae" is not a tier; allowed: base (did you mean `base`?)'],
            id="an unknown parent",
        ),
        pytest.param(
            {"small": {"extends": "small", **WHOLE}},
            ["tiers.small.extends: small -> small is a circle"],
            id="oneself",
        ),
        pytest.param(
            {"small": {"extends": "other", **WHOLE}, "other": {"extends": "small"}},
            [
                "tiers.small.extends: small -> other -> small is a circle",
                "tiers.other.extends: other -> small -> other is a circle",
            ],
            id="a circle of two",
        ),
        pytest.param(
            {"small": {"extends": ["base"], **WHOLE}, "base": BASE},
            ["tiers.small.extends: \"['base']\" is not a tier; allowed: base (did you mean `base`?)"],
            id="a list of parents",
        ),
    ],
)
def test_parents_that_are_none(tiers: dict[str, Any], told: list[str]) -> None:
    assert problems(minimal(tiers)) == told


def test_who_extends_a_circle_is_not_told_of_it_again() -> None:
    """It is those in the circle who have to change."""
    circle = {"a": {"extends": "b", **WHOLE}, "b": {"extends": "a"}, "small": {"extends": "a"}}
    assert places(minimal(circle)) == ["tiers.a.extends", "tiers.b.extends"]


def test_who_inherits_an_unknown_parent_is_not_told_of_it_again() -> None:
    content = {"small": {"extends": "gone", **WHOLE}, "other": {"extends": "small"}}
    assert places(minimal(content)) == ["tiers.small.extends"]


def test_an_inherited_mistake_is_told_once() -> None:
    base = {**WHOLE, "quota": {"pods": "5", "cores": "1"}, "podSecurity": {"enforce": "strict"}}
    content = {"base": base, "small": {"extends": "base"}, "large": {"extends": "base"}}
    assert places(minimal(content)) == ["tiers.base.quota.cores", "tiers.base.podSecurity.enforce"]


def test_an_inherited_mistake_is_told_where_it_stands() -> None:
    """Also where the tier that makes it is not one that anybody can have."""
    base = {**BASE, "podSecurity": {"enforce": "strict"}}
    content = {"base": base, "small": {"extends": "base"}, "large": {"extends": "base"}}
    assert places(minimal(content)) == ["tiers.base.podSecurity.enforce"]


def test_the_same_mistake_made_twice_is_told_twice() -> None:
    content = {
        "base": BASE,
        "small": {"extends": "base", "quota": {"cores": "1"}},
        "large": {"extends": "base", "quota": {"cores": "1"}},
    }
    assert places(minimal(content)) == ["tiers.small.quota.cores", "tiers.large.quota.cores"]


def test_a_mistake_in_the_defaults_is_told_once_and_there() -> None:
    content = minimal({"small": WHOLE, "large": WHOLE}, defaults={"ttl": "a week"})
    assert places(content) == ["defaults.ttl"]


def test_a_mistake_of_a_tier_s_own_is_told_beside_what_it_inherits() -> None:
    base = {**WHOLE, "quota": {"pods": "5", "cores": "1"}}
    content = {"base": base, "small": {"extends": "base", "ttl": "soon"}}
    assert places(minimal(content)) == ["tiers.base.quota.cores", "tiers.small.ttl"]


@pytest.mark.parametrize("value", ["true", "yes", 1, [], {}], ids=repr)
def test_abstract_is_true_or_false(value: object) -> None:
    assert "tiers.base.abstract" in places(minimal({"base": {**WHOLE, "abstract": value}, "small": WHOLE}))


def test_an_abstract_tier_is_none_to_choose() -> None:
    content = minimal({"base": BASE, "small": WHOLE}, {"defaultTier": "base"})
    assert problems(content) == [
        'policy.defaultTier: "base" is not a tier; allowed: small (did you mean `small`?)'
    ]
    only = minimal({"small": BASE})
    assert places(only) != []


KEYS = st.sampled_from(["pods", "secrets", "configmaps", "services"])
changes = st.dictionaries(KEYS, st.none() | st.integers(0, 9), max_size=4)


@settings(deadline=None)
@given(st.lists(changes, min_size=1, max_size=4))
def test_a_line_of_tiers_says_what_its_last_words_are(line: list[dict[str, int | None]]) -> None:
    """Every tier extends the one before it; one key stays, so that no quota is empty."""
    tiers: dict[str, Any] = {"t0": {**WHOLE, "quota": {"limits.cpu": 1}}}
    expected: dict[str, str] = {"limits.cpu": "1"}
    for number, quota in enumerate(line, start=1):
        tiers[f"t{number}"] = {"extends": f"t{number - 1}", "quota": quota}
        both: dict[str, Any] = {**expected, **quota}
        expected = {key: str(value) for key, value in both.items() if value is not None}
    found = parsed(minimal(tiers, {"defaultTier": "t0"})).tiers
    assert found[f"t{len(line)}"].quota == expected
