"""What a new catalogue means for each namespace that is there."""

from dataclasses import replace

import pytest

from webhook.adapters import catalogue_file
from webhook.core import impact, labels
from webhook.core.impact import Inhabitant
from webhook.core.model import NamespaceState
from webhook.core.policy import Bounds

BUILT_IN = catalogue_file.load(None)
SMALL = replace(BUILT_IN.tiers["small"], quota={"pods": "10"}, revision="new")
POLICY = replace(BUILT_IN, tiers={"small": SMALL, "large": BUILT_IN.tiers["large"]})


def lives(
    name: str, tier: str = "small", *, revision: str = "old", pods: int = 0, quota: str = ""
) -> Inhabitant:
    notes = {labels.QUOTA: quota} if quota else {}
    return Inhabitant(name, NamespaceState({labels.TIER: tier}, notes), revision, {"pods": str(pods)})


def small(*inhabitants: Inhabitant) -> impact.TierImpact:
    found = impact.of(POLICY, inhabitants)
    return next(each for each in found.tiers if each.tier == "small")


@pytest.mark.parametrize(
    ("inhabitant", "follow", "stay", "exceed"),
    [
        pytest.param(lives("a"), ["a"], [], {}, id="one of an older revision follows"),
        pytest.param(lives("a", revision=""), ["a"], [], {}, id="one without a quota gets one"),
        pytest.param(lives("a", revision="new", pods=11), [], ["a"], {}, id="one that has it stays"),
        pytest.param(lives("a", pods=10), ["a"], [], {}, id="one that uses all that it would get follows"),
        pytest.param(
            lives("a", pods=11),
            [],
            [],
            {"a": ("pods 11 in use, limit 10",)},
            id="one that uses more does not",
        ),
    ],
)
def test_what_becomes_of(
    inhabitant: Inhabitant, follow: list[str], stay: list[str], exceed: dict[str, tuple[str, ...]]
) -> None:
    found = small(inhabitant)
    assert (found.follow, found.stay, found.exceed) == (follow, stay, exceed)


def test_limits_of_its_own_count_where_the_tier_allows_them() -> None:
    generous = replace(SMALL, overrides={"pods": Bounds(None, "50")})
    policy = replace(POLICY, tiers={"small": generous})
    assert impact.of(policy, [lives("a", pods=11, quota="pods=20")]).tiers[0].follow == ["a"]


def test_namespaces_of_a_tier_that_is_gone_are_orphans() -> None:
    found = impact.of(POLICY, [lives("b", "freemium"), lives("a", "freemium"), lives("c", "medium")])
    assert found.orphans == {"freemium": ["a", "b"], "medium": ["c"]}


def test_exempt_namespaces_do_not_count() -> None:
    assert small(lives("kube-system")).follow == []


def test_tiers_and_namespaces_come_in_alphabetical_order() -> None:
    found = impact.of(POLICY, [lives("b"), lives("a")])
    assert [each.tier for each in found.tiers] == ["large", "small"]
    assert small(lives("b"), lives("a")).follow == ["a", "b"]
