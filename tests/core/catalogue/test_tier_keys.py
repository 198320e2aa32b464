"""The keys of a tier that a tier need not have: what each means, and what is said of a wrong one."""

import pytest

from tests.core.catalogue.files import LIMITS, WHOLE, minimal, parsed, places, problems, small, tier
from webhook.core.networkpolicies import STANDARD
from webhook.core.policy import Bounds


def test_what_a_tier_is_that_says_no_more_than_it_has_to() -> None:
    found = tier()
    assert found.title == "small"
    assert list(found.network_policies) == list(STANDARD)
    assert (found.extra_manifests, found.overrides) == ((), {})
    assert found.allowed_groups == {"*"}
    assert (found.ttl, found.max_ttl, found.deletion_protection, found.replaced_by) == (
        None,
        None,
        False,
        None,
    )


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        pytest.param({"title": "For trying out"}, "title", "For trying out", id="a title"),
        pytest.param({"ttl": "7d"}, "ttl", "7d", id="a lifetime"),
        pytest.param({"ttl": "7d", "maxTtl": "7d"}, "max_ttl", "7d", id="a longest lifetime that it has"),
        pytest.param({"maxTtl": "8h"}, "initial_ttl", "8h", id="a longest lifetime, which is the lifetime"),
        pytest.param({"ttl": "1h", "maxTtl": "8h"}, "initial_ttl", "1h", id="a lifetime below the longest"),
        pytest.param({"deletionProtection": True}, "deletion_protection", True, id="protection"),
        pytest.param({"allowed": {"groups": ["a", "b"]}}, "allowed_groups", {"a", "b"}, id="some groups"),
        pytest.param({"allowed": {"groups": ["*"]}}, "allowed_groups", {"*"}, id="everybody"),
        pytest.param({"overrides": {}}, "overrides", {}, id="no limit that can be set"),
        pytest.param(
            {"overrides": {"quota": {"pods": {"max": 50}}}},
            "overrides",
            {"pods": Bounds(None, "50")},
            id="a limit with a most",
        ),
        pytest.param(
            {"overrides": {"quota": {"requests.cpu": {"min": "500m", "max": "8"}}}},
            "overrides",
            {"requests.cpu": Bounds("500m", "8")},
            id="a limit with a least and a most",
        ),
        pytest.param(
            {"overrides": {"quota": {"pods": {"min": 5, "max": 5}}}},
            "overrides",
            {"pods": Bounds("5", "5")},
            id="bounds that leave no choice",
        ),
    ],
)
def test_what_a_key_means(changes: dict[str, object], field: str, found: object) -> None:
    assert getattr(tier(**changes), field) == found


def test_a_limit_without_any_bound_is_refused() -> None:
    assert places(small(overrides={"quota": {"pods": {}}})) == ["tiers.small.overrides.quota.pods"]


def test_what_to_take_instead() -> None:
    content = minimal({"small": {**WHOLE, "replacedBy": "large"}, "large": WHOLE})
    assert parsed(content).tiers["small"].replaced_by == "large"


LIFETIME = "(must be a number and one of s, m, h, d, up to 3650d)"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"title": 5},
            ['tiers.small.title: must be a text, not "5" (put it in quotes)'],
            id="title: a number",
        ),
        pytest.param(
            {"ttl": "1 week"}, [f'tiers.small.ttl: "1 week" is no lifetime {LIFETIME}'], id="ttl: words"
        ),
        pytest.param(
            {"ttl": 7}, ['tiers.small.ttl: must be a text, not "7" (put it in quotes)'], id="ttl: a number"
        ),
        pytest.param(
            {"maxTtl": "9999d"},
            [f'tiers.small.maxTtl: "9999d" is no lifetime {LIFETIME}'],
            id="maxTtl: for ever",
        ),
        pytest.param(
            {"ttl": "2d", "maxTtl": "24h"},
            ["tiers.small.ttl: 2d is longer than maxTtl 24h"],
            id="ttl: longer than maxTtl",
        ),
        pytest.param(
            {"deletionProtection": "true"},
            ['tiers.small.deletionProtection: must be true or false, not "true"'],
            id="deletionProtection: a word",
        ),
        pytest.param(
            {"deletionProtection": True, "maxTtl": "7d"},
            [
                "tiers.small.deletionProtection: a namespace that platform/ttl ends cannot be protected from "
                "deletion (choose one of the two)"
            ],
            id="deletionProtection: beside an end",
        ),
        pytest.param(
            {"allowed": {"groups": []}},
            ['tiers.small.allowed.groups: is empty, so nobody could have the tier (name groups, or "*")'],
            id="allowed: nobody",
        ),
        pytest.param(
            {"allowed": {"users": ["jane"]}},
            [
                "tiers.small.allowed.groups: is missing",
                'tiers.small.allowed.users: "users" is not a known key; allowed: groups '
                "(did you mean `groups`?)",
            ],
            id="allowed: users",
        ),
        pytest.param(
            {"allowed": {"groups": ["vip", 7]}},
            ['tiers.small.allowed.groups[1]: must be a text, not "7" (put it in quotes)'],
            id="allowed: a number for a group",
        ),
        pytest.param(
            {"overrides": {"quota": {"secrets": {"max": 3}}}},
            [
                "tiers.small.overrides.quota.secrets: the tier has no such limit "
                "(add it to the tier's quota: secrets)"
            ],
            id="overrides: a limit that the tier has not",
        ),
        pytest.param(
            {"overrides": {"quota": {"pod": {"max": 3}}}},
            ["tiers.small.overrides.quota.pod: pod is not a quota key (did you mean `pods`?)"],
            id="overrides: a limit that there is not",
        ),
        pytest.param(
            {"overrides": {"quota": {"pods": {"max": 4}}}},
            ["tiers.small.overrides.quota.pods: the tier's own 5 is not within these bounds (widen them)"],
            id="overrides: a most below the tier's own",
        ),
        pytest.param(
            {"overrides": {"quota": {"requests.cpu": {"min": "2001m"}}}},
            [
                "tiers.small.overrides.quota.requests.cpu: the tier's own 2 is not within these bounds "
                "(widen them)"
            ],
            id="overrides: a least above the tier's own",
        ),
        pytest.param(
            {"overrides": {"quota": {"pods": {"max": "many"}}}},
            ["tiers.small.overrides.quota.pods.max: 'many' is not a quantity such as 500m, 4 or 16Gi"],
            id="overrides: a word",
        ),
        pytest.param(
            {"overrides": {"quota": {"pods": {"maximum": 9}}}},
            [
                'tiers.small.overrides.quota.pods.maximum: "maximum" is not a known key; allowed: max, min '
                "(did you mean `max`?)"
            ],
            id="overrides: a bound that there is not",
        ),
        pytest.param(
            {"overrides": {"limitRange": {}}},
            [
                'tiers.small.overrides.limitRange: "limitRange" is not a known key; allowed: quota '
                "(did you mean `quota`?)"
            ],
            id="overrides: something else",
        ),
    ],
)
def test_a_wrong_value(changes: dict[str, object], told: list[str]) -> None:
    assert problems(small(**changes)) == told


@pytest.mark.parametrize("name", ["small", "base", "gone", "Large", ""])
def test_a_tier_to_take_instead_that_is_none(name: str) -> None:
    tiers = {"base": {**WHOLE, "abstract": True}, "small": {**WHOLE, "replacedBy": name}, "large": WHOLE}
    assert problems(minimal(tiers)) == [
        f'tiers.small.replacedBy: "{name}" is not a tier; allowed: large (did you mean `large`?)'
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param({"title": ""}, "tiers.small.title", id="an empty title"),
        pytest.param(
            {"replacedBy": ["large"]}, "tiers.small.replacedBy", id="a list of tiers to take instead"
        ),
        pytest.param({"overrides": []}, "tiers.small.overrides", id="a list of overrides"),
        pytest.param({"overrides": {"quota": []}}, "tiers.small.overrides.quota", id="a list of limits"),
        pytest.param(
            {"overrides": {"quota": {"pods": 9}}}, "tiers.small.overrides.quota.pods", id="a number"
        ),
        pytest.param({"allowed": ["vip"]}, "tiers.small.allowed", id="a list of groups"),
        pytest.param({"limitRange": None}, "tiers.small.limitRange", id="no limits"),
        pytest.param({"networkPolicies": {}}, "tiers.small.networkPolicies", id="a mapping of policies"),
        pytest.param({"extraManifests": {}}, "tiers.small.extraManifests", id="a mapping of manifests"),
        pytest.param({"podSecurity": []}, "tiers.small.podSecurity", id="a list of levels"),
        pytest.param(
            {"podSecurity": {"enforce": True}}, "tiers.small.podSecurity.enforce", id="a level: true"
        ),
    ],
)
def test_a_wrong_shape(changes: dict[str, object], place: str) -> None:
    """What is below it may be told of, too; a person mends the first line first."""
    found = places(small(**changes))
    assert found[0] == place
    assert all(each.startswith(place) for each in found)


@pytest.mark.parametrize("key", ["quota", "podSecurity"])
def test_what_is_missing_is_one_problem(key: str) -> None:
    content = small()
    del content["tiers"]["small"][key]
    assert problems(content) == [f"tiers.small.{key}: is missing"]


@pytest.mark.parametrize("body", [None, [], "small", 5], ids=repr)
def test_a_tier_that_is_no_mapping(body: object) -> None:
    assert places(minimal({"small": body}))[0] == "tiers.small"


@pytest.mark.parametrize(
    ("default", "place"),
    [
        pytest.param({"cpu": "1", "memory": "1Gi"}, "defaultRequest.memory", id="a limit without a request"),
        pytest.param({"cpu": "999m"}, "defaultRequest.cpu", id="a request above its limit"),
        pytest.param({"cpu": "1", "pods": "1"}, "default.pods", id="what a container does not have"),
    ],
)
def test_limits_that_cannot_be(default: dict[str, str], place: str) -> None:
    limits = {**LIMITS, "default": default}
    assert f"tiers.small.limitRange.{place}" in places(small(limitRange=limits))
