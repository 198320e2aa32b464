"""The key `expiry` and a tier's `idleTtl`: what they mean, and what is said of a wrong value."""

import pytest

from tests.core.catalogue.files import LIMITS, WHOLE, minimal, parsed, places, problems, small, tier
from webhook.codec import catalogue
from webhook.core.policy import ExpiryRules

LIFETIME = "(must be a number and one of s, m, h, d, up to 3650d)"


def test_nothing_is_deleted_before_somebody_says_so() -> None:
    assert parsed(minimal()).expiry == ExpiryRules(True, 10, 20, ("24h", "1h"))
    assert parsed(minimal(expiry={})).expiry == ExpiryRules()
    assert parsed(minimal(expiry={"perMinute": 5})).expiry.dry_run is True


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        pytest.param({"dryRun": False}, ExpiryRules(dry_run=False), id="in earnest"),
        pytest.param({"perMinute": 1}, ExpiryRules(per_minute=1), id="the slowest pace"),
        pytest.param({"perMinute": 600}, ExpiryRules(per_minute=600), id="the fastest pace"),
        pytest.param({"maxPercent": 100}, ExpiryRules(max_percent=100), id="no brake"),
        pytest.param({"notices": []}, ExpiryRules(notices=()), id="no notices"),
        pytest.param(
            {"notices": ["1h", "7d", "2h"]}, ExpiryRules(notices=("7d", "2h", "1h")), id="the longest first"
        ),
        pytest.param({"notices": ["60m", "1h"]}, ExpiryRules(notices=("1h",)), id="each length once"),
    ],
)
def test_what_a_key_means(stated: dict[str, object], found: ExpiryRules) -> None:
    assert parsed(minimal(expiry=stated)).expiry == found


MINUTE = "expiry.perMinute: must be a whole number from 1 to 600, not"
PERCENT = "expiry.maxPercent: must be a whole number from 1 to 100, not"


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        pytest.param(None, ["expiry: must be a mapping, not nothing"], id="nothing"),
        pytest.param([], ['expiry: must be a mapping, not "[]"'], id="a list"),
        pytest.param(
            {"dryrun": True},
            [
                'expiry.dryrun: "dryrun" is not a known key; allowed: dryRun, maxPercent, notices, perMinute '
                "(did you mean `dryRun`?)"
            ],
            id="a key that is none",
        ),
        pytest.param(
            {"dryRun": "no"}, ['expiry.dryRun: must be true or false, not "no"'], id="a word for false"
        ),
        pytest.param({"dryRun": None}, ["expiry.dryRun: must be true or false, not nothing"], id="no switch"),
        pytest.param({"perMinute": 0}, [f'{MINUTE} "0"'], id="no deletion at all"),
        pytest.param({"perMinute": 601}, [f'{MINUTE} "601"'], id="too fast"),
        pytest.param({"perMinute": 1.5}, [f'{MINUTE} "1.5"'], id="one and a half"),
        pytest.param({"perMinute": True}, [f'{MINUTE} "True"'], id="true for one"),
        pytest.param({"perMinute": "10"}, [f'{MINUTE} "10"'], id="a number in quotes"),
        pytest.param({"maxPercent": 0}, [f'{PERCENT} "0"'], id="no share"),
        pytest.param({"maxPercent": 101}, [f'{PERCENT} "101"'], id="more than all"),
        pytest.param({"notices": "1h"}, ['expiry.notices: must be a list, not "1h"'], id="a notice alone"),
        pytest.param(
            {"notices": ["1h", "soon", 5]},
            [
                'expiry.notices[2]: must be a text, not "5" (put it in quotes)',
                f'expiry.notices[1]: "soon" is no lifetime {LIFETIME}',
            ],
            id="notices that are no lifetimes",
        ),
    ],
)
def test_a_wrong_value(stated: object, told: list[str]) -> None:
    assert problems(minimal(expiry=stated)) == told


def test_a_tier_may_end_its_namespaces_without_pods() -> None:
    assert tier().idle_ttl is None
    assert tier(idleTtl="8h").idle_ttl == "8h"
    assert tier(idleTtl=None).idle_ttl is None


WITHOUT_PODS = "whether a namespace has pods is read from its quota, which does not count them"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"idleTtl": "soon"}, [f'tiers.small.idleTtl: "soon" is no lifetime {LIFETIME}'], id="a word"
        ),
        pytest.param(
            {"idleTtl": 8}, ['tiers.small.idleTtl: must be a text, not "8" (put it in quotes)'], id="a number"
        ),
        pytest.param(
            {"idleTtl": "8h", "quota": {"requests.cpu": "2"}},
            [f"tiers.small.idleTtl: {WITHOUT_PODS} (add pods to the tier's quota)"],
            id="a quota that does not count pods",
        ),
        pytest.param(
            {"idleTtl": "8h", "quota": {"pods": 0}},
            [f"tiers.small.idleTtl: {WITHOUT_PODS} (add pods to the tier's quota)"],
            id="a quota that has no room for any",
        ),
        pytest.param(
            {"idleTtl": "8h", "deletionProtection": True},
            [
                "tiers.small.deletionProtection: a namespace that ends without pods cannot be protected from "
                "deletion (choose one of the two)"
            ],
            id="protection",
        ),
    ],
)
def test_a_tier_that_cannot(changes: dict[str, object], told: list[str]) -> None:
    assert problems(small(**changes)) == told


def test_it_is_inherited_and_taken_away_like_the_other_lifetimes() -> None:
    content = minimal(
        {
            "small": {**WHOLE, "idleTtl": "8h"},
            "a": {"extends": "small"},
            "b": {"extends": "a", "idleTtl": None},
        },
    )
    assert [parsed(content).tiers[name].idle_ttl for name in ("small", "a", "b")] == ["8h", "8h", None]


def test_the_default_of_all_tiers_is_told_of_where_it_stands() -> None:
    quota = {"quota": {"requests.cpu": "1"}, "limitRange": LIMITS, "podSecurity": {"enforce": "baseline"}}
    assert parsed(minimal(defaults={"idleTtl": "8h"})).tiers["small"].idle_ttl == "8h"
    assert places(minimal({"small": quota}, defaults={"idleTtl": "8h"})) == ["defaults.idleTtl"]


def test_how_it_is_shown() -> None:
    shown = catalogue.plain(parsed(small(idleTtl="8h")))
    assert shown["expiry"] == {"dryRun": True, "perMinute": 10, "maxPercent": 20, "notices": ["24h", "1h"]}
    assert shown["tiers"]["small"]["idleTtl"] == "8h"
    assert "idleTtl" not in catalogue.tier(tier())
