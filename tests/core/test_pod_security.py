"""Pod Security levels of a managed namespace: never below its tier's, except by the hand of an admin."""

import dataclasses

import pytest

from tests.core.builders import ADMINS, ENFORCE, POLICY, TENANT, WARN, Changes, facts, state, violations
from webhook.core import decide, labels
from webhook.core.model import Facts, NamespaceState
from webhook.core.policy import POD_SECURITY_LEVELS

FLOOR = ["pod-security-floor"]
AUDIT = labels.POD_SECURITY["audit"]


def _rules(asked: Facts) -> list[str]:
    return [violation.rule for violation in violations(asked)]


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
    assert _rules(facts(labels={key: level}, old=old)) == ([] if enough or _same(old, key, level) else FLOOR)
    assert _rules(facts(labels={key: level}, old=old, groups=ADMINS)) == []


def _same(old: NamespaceState | None, key: str, level: str) -> bool:
    return old is not None and old.labels.get(key) == level


@pytest.mark.parametrize("key", [ENFORCE, WARN])
def test_a_level_that_is_missing(key: str) -> None:
    """A new namespace lacks what admission adds; from an old one somebody takes it away."""
    for groups, removed in ((TENANT, FLOOR), (ADMINS, [])):
        assert _rules(facts(labels={key: None}, groups=groups)) == ["defaults-present"]
        assert _rules(facts(labels={key: None}, old=state(), groups=groups)) == removed


def test_all_that_is_wrong_is_said() -> None:
    found = violations(facts(labels={ENFORCE: "privileged", WARN: None}, old=state()))
    assert [(violation.path, violation.forbidden) for violation in found] == [
        (f"metadata.labels[{ENFORCE}]", True),
        (f"metadata.labels[{WARN}]", True),
    ]


@pytest.mark.parametrize("before", ["privileged", "strict", "", None])
def test_what_an_admin_has_lowered_stays_so_when_a_tenant_changes_something_else(before: str | None) -> None:
    old = state({ENFORCE: before})
    assert _rules(facts(labels={ENFORCE: before, "owner": "bob"}, old=old)) == []


@pytest.mark.parametrize(
    ("after", "rules"),
    [("restricted", []), ("baseline", []), ("privileged", FLOOR), (None, FLOOR)],
)
def test_what_is_above_the_floor_may_go_down_to_it(after: str | None, rules: list[str]) -> None:
    assert _rules(facts(labels={ENFORCE: after}, old=state({ENFORCE: "restricted"}))) == rules


@pytest.mark.parametrize(
    "manager", [pytest.param("Helm", id="of another manager"), pytest.param(None, id="of nobody")]
)
def test_namespaces_that_are_not_ours_have_no_floor(manager: str | None) -> None:
    ours: Changes = {labels.MANAGED_BY: manager}
    assert _rules(facts(labels={**ours, ENFORCE: "privileged"}, old=state(ours))) == []


def test_letting_go_of_the_namespace_is_no_way_around_the_floor() -> None:
    asked = facts(labels={labels.MANAGED_BY: None, ENFORCE: "privileged"}, old=state())
    assert _rules(asked) == ["managed-labels-immutable"]


def test_another_tier_is_no_way_around_the_floor() -> None:
    asked = facts(labels={labels.TIER: "huge", ENFORCE: "privileged"}, old=state())
    assert _rules(asked) == ["tier-exists", "pod-security-floor", "managed-labels-immutable"]


@pytest.mark.parametrize("level", POD_SECURITY_LEVELS)
def test_the_floor_is_that_of_the_tier_the_namespace_says(level: str) -> None:
    tier = dataclasses.replace(POLICY.tiers["large"], pod_security={"enforce": level})
    policy = dataclasses.replace(POLICY, tiers={**POLICY.tiers, "large": tier})
    levels = list(POD_SECURITY_LEVELS)
    for sent in levels:
        asked = facts(labels={labels.TIER: "large", ENFORCE: sent})
        assert decide.validate(asked, policy).allowed is (levels.index(sent) >= levels.index(level))


def test_a_namespace_whose_tier_left_the_catalogue_keeps_the_floor_of_the_default_tier() -> None:
    retired = {labels.TIER: "retired"}
    asked = facts(labels={**retired, labels.POD_SECURITY["enforce"]: "privileged"}, old=state(retired))
    assert [violation.rule for violation in violations(asked)] == ["pod-security-floor"]


@pytest.mark.parametrize(("version", "refused"), [("v1.0", True), ("", True), ("latest", False)])
def test_a_level_is_not_pinned_to_an_older_version(version: str, refused: bool) -> None:
    asked = facts(labels={f"{labels.POD_SECURITY['enforce']}-version": version}, old=state())
    assert bool(violations(asked)) is refused
