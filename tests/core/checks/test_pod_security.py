"""Pod Security levels of a managed namespace: never below its tier's, except by the hand of an admin."""

import dataclasses

import pytest

from tests.core.builders import (
    ADMINS,
    CALLERS,
    ENFORCE,
    POLICY,
    TENANT,
    UNMANAGED,
    WARN,
    Changes,
    asked_by,
    deletion,
    facts,
    policy,
    rules,
    state,
    verdict,
    violations,
)
from webhook.core import labels
from webhook.core.model import NamespaceState
from webhook.core.policy import POD_SECURITY_LEVELS

FLOOR = ["pod-security-floor"]
AUDIT = labels.POD_SECURITY["audit"]


@pytest.mark.parametrize(
    ("key", "level", "enough"),
    [
        pytest.param(ENFORCE, "privileged", False, id="enforce privileged"),
        pytest.param(ENFORCE, "baseline", True, id="enforce baseline"),
        pytest.param(ENFORCE, "restricted", True, id="enforce restricted"),
        pytest.param(ENFORCE, "strict", False, id="enforce nonsense"),
        pytest.param(ENFORCE, "Restricted", False, id="enforce with a capital"),
        pytest.param(ENFORCE, "restricted\n", False, id="enforce with a newline behind"),
        pytest.param(ENFORCE, "", False, id="enforce emptied"),
        pytest.param(WARN, "privileged", False, id="warn privileged"),
        pytest.param(WARN, "baseline", False, id="warn baseline"),
        pytest.param(WARN, "restricted", True, id="warn restricted"),
        pytest.param(WARN, "strict", False, id="warn nonsense"),
        pytest.param(WARN, "", False, id="warn emptied"),
        pytest.param(AUDIT, "privileged", True, id="audit, of which the tier says nothing"),
        pytest.param(AUDIT, "strict", True, id="audit nonsense, of which the tier says nothing"),
    ],
)
@pytest.mark.parametrize("old", [None, state({ENFORCE: "restricted"})], ids=["create", "update"])
def test_a_level_that_is_stated(key: str, level: str, enough: bool, old: NamespaceState | None) -> None:
    assert rules(facts(labels={key: level}, old=old)) == ([] if enough or _same(old, key, level) else FLOOR)
    assert rules(facts(labels={key: level}, old=old, groups=ADMINS)) == []


def _same(old: NamespaceState | None, key: str, level: str) -> bool:
    return old is not None and old.labels.get(key) == level


@pytest.mark.parametrize("key", [ENFORCE, WARN])
def test_a_level_that_is_missing(key: str) -> None:
    """A new namespace lacks what admission adds; from an old one somebody takes it away."""
    for groups, removed in ((TENANT, FLOOR), (ADMINS, [])):
        assert rules(facts(labels={key: None}, groups=groups)) == ["defaults-present"]
        assert rules(facts(labels={key: None}, old=state(), groups=groups)) == removed


def test_all_that_is_wrong_is_said() -> None:
    found = violations(facts(labels={ENFORCE: "privileged", WARN: None}, old=state()))
    assert [(violation.path, violation.forbidden) for violation in found] == [
        (f"metadata.labels[{ENFORCE}]", True),
        (f"metadata.labels[{WARN}]", True),
    ]


@pytest.mark.parametrize("before", ["privileged", "strict", "", None])
def test_what_an_admin_has_lowered_stays_so_when_a_tenant_changes_something_else(before: str | None) -> None:
    old = state({ENFORCE: before})
    assert rules(facts(labels={ENFORCE: before, "owner": "bob"}, old=old)) == []


@pytest.mark.parametrize(
    ("after", "broken"),
    [("restricted", []), ("baseline", []), ("privileged", FLOOR), (None, FLOOR)],
)
def test_what_is_above_the_floor_may_go_down_to_it(after: str | None, broken: list[str]) -> None:
    assert rules(facts(labels={ENFORCE: after}, old=state({ENFORCE: "restricted"}))) == broken


@pytest.mark.parametrize(
    "manager", [pytest.param("Helm", id="of another manager"), pytest.param(None, id="of nobody")]
)
def test_namespaces_that_are_not_ours_have_no_floor(manager: str | None) -> None:
    ours: Changes = {labels.MANAGED_BY: manager}
    assert rules(facts(labels={**ours, ENFORCE: "privileged"}, old=state(ours))) == []


def test_letting_go_of_the_namespace_is_no_way_around_the_floor() -> None:
    asked = facts(labels={labels.MANAGED_BY: None, ENFORCE: "privileged"}, old=state())
    assert rules(asked) == ["managed-labels-immutable"]


def test_another_tier_is_no_way_around_the_floor() -> None:
    asked = facts(labels={labels.TIER: "huge", ENFORCE: "privileged"}, old=state())
    assert rules(asked) == ["tier-exists", "pod-security-floor", "managed-labels-immutable"]


@pytest.mark.parametrize("level", POD_SECURITY_LEVELS)
def test_the_floor_is_that_of_the_tier_the_namespace_says(level: str) -> None:
    tier = dataclasses.replace(POLICY.tiers["large"], pod_security={"enforce": level})
    chosen = policy(tiers={**POLICY.tiers, "large": tier})
    levels = list(POD_SECURITY_LEVELS)
    for sent in levels:
        asked = facts(labels={labels.TIER: "large", ENFORCE: sent})
        assert verdict(asked, chosen).allowed is (levels.index(sent) >= levels.index(level))


def test_a_namespace_whose_tier_left_the_catalogue_keeps_the_floor_of_the_default_tier() -> None:
    retired = {labels.TIER: "retired"}
    asked = facts(labels={**retired, labels.POD_SECURITY["enforce"]: "privileged"}, old=state(retired))
    assert rules(asked) == FLOOR


VERSIONS = [f"{key}-version" for key in (ENFORCE, WARN, AUDIT)]


@pytest.mark.parametrize(
    ("version", "broken"), [("v1.0", FLOOR), ("", FLOOR), ("latest", []), ("Latest", FLOOR), (None, [])]
)
@pytest.mark.parametrize("key", VERSIONS)
@pytest.mark.parametrize("old", [None, state()], ids=["create", "update"])
def test_a_level_is_not_pinned_to_an_older_version(
    key: str, version: str | None, broken: list[str], old: NamespaceState | None
) -> None:
    asked = facts(labels={key: version}, old=old)
    assert rules(asked) == broken
    assert verdict(asked).code == (403 if broken else 200)
    assert rules(asked_by(CALLERS["an admin"], asked)) == []


@pytest.mark.parametrize("key", VERSIONS)
def test_a_version_that_an_admin_has_pinned_stays_and_may_be_freed(key: str) -> None:
    pinned = state({key: "v1.30"})
    assert rules(facts(labels={key: "v1.30", "note": "x"}, old=pinned)) == []
    assert rules(facts(labels={key: None}, old=pinned)) == []
    assert rules(facts(labels={key: "v1.29"}, old=pinned)) == FLOOR


@pytest.mark.parametrize("who", ["a member of the team", "a requester", "an applier", "our controller"])
@pytest.mark.parametrize(
    "change", [{ENFORCE: "privileged"}, {WARN: "baseline"}, {VERSIONS[0]: "v1.0"}], ids=str
)
def test_nobody_but_an_admin_goes_below_the_floor(change: Changes, who: str) -> None:
    """Not even who applies what Git states."""
    asked = asked_by(CALLERS[who], facts(labels=change, old=state()))
    assert rules(asked, policy()) == FLOOR
    assert rules(asked_by(CALLERS["an admin"], asked), policy()) == []


@pytest.mark.parametrize(
    ("level", "broken"), [("baseline", FLOOR), ("restricted", [])], ids=["as it was", "lifted with it"]
)
def test_who_raises_the_tier_raises_the_levels(level: str, broken: list[str]) -> None:
    strict = dataclasses.replace(POLICY.tiers["large"], pod_security={"enforce": "restricted"})
    chosen = policy(tiers={**POLICY.tiers, "large": strict})
    asked = facts(labels={labels.TIER: "large", ENFORCE: level}, old=state())
    assert rules(asked_by(CALLERS["an applier"], asked), chosen) == broken
    assert rules(asked_by(CALLERS["an admin"], asked), chosen) == []


@pytest.mark.parametrize(
    ("levels", "broken"),
    [
        pytest.param({}, [], id="with the levels"),
        pytest.param({ENFORCE: None}, FLOOR, id="without one of the levels"),
        pytest.param(
            {ENFORCE: "privileged", WARN: None}, FLOOR * 2, id="with one too low, and without the other"
        ),
        pytest.param({VERSIONS[0]: "v1.0"}, FLOOR, id="with a pinned version"),
    ],
)
def test_an_applier_adopts_a_namespace(levels: Changes, broken: list[str]) -> None:
    """The levels count as new, even where they were there before."""
    for before in ({labels.MANAGED_BY: None, **levels}, {**UNMANAGED, **levels}):
        asked = asked_by(CALLERS["an applier"], facts(labels=levels, old=state(before)))
        assert rules(asked, policy()) == broken


def test_a_namespace_below_the_floor_can_be_deleted() -> None:
    low = state({ENFORCE: "privileged", WARN: None, VERSIONS[0]: "v1.0"})
    assert verdict(deletion(low, CALLERS["a member of the team"])).allowed
