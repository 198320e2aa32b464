"""UPDATE: identity labels stay as they are for tenants; some may change them, within the rules."""

import dataclasses

import pytest

from tests.core.builders import (
    ADMINS,
    CALLERS,
    TENANT,
    UNMANAGED,
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
from webhook.core import labels, wording
from webhook.core.model import Decision, NamespaceState

HAND_MADE = NamespaceState({"owner": "jane"}, {"note": "hand-made"})
KEYS = [labels.TIER, labels.TEAM, labels.MANAGED_BY]
OTHER = {labels.TIER: "large", labels.TEAM: "checkout", labels.MANAGED_BY: "Helm"}


def _codes(before: Changes, after: Changes) -> tuple[int, int]:
    """The verdicts for a tenant and for an admin."""
    old = state(labels=before)
    asked = (facts(labels=after, old=old, groups=groups) for groups in (TENANT, ADMINS))
    tenant, admin = (verdict(each).code for each in asked)
    return tenant, admin


@pytest.mark.parametrize("key", KEYS)
def test_a_tenant_cannot_replace(key: str) -> None:
    assert _codes({}, {key: OTHER[key]}) == (403, 200)


@pytest.mark.parametrize("key", KEYS)
def test_a_tenant_cannot_add(key: str) -> None:
    assert _codes({key: None}, {}) == (403, 200)


@pytest.mark.parametrize(
    ("key", "codes"),
    [
        pytest.param(labels.TIER, (422, 422), id="the tier, which nobody can do without"),
        pytest.param(labels.TEAM, (422, 422), id="the team, which nobody can do without"),
        pytest.param(labels.MANAGED_BY, (403, 200), id="the manager, which admins use to let a namespace go"),
    ],
)
@pytest.mark.parametrize("after", [None, ""], ids=["removed", "emptied"])
def test_a_tenant_cannot_take_away(key: str, codes: tuple[int, int], after: str | None) -> None:
    assert _codes({}, {key: after}) == codes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("jane", "bob", id="replaced"),
        pytest.param("jane", None, id="removed"),
        pytest.param("jane", "", id="emptied"),
        pytest.param(None, "jane", id="added"),
    ],
)
def test_the_record_of_who_asked_stands(before: str | None, after: str | None) -> None:
    old = state(annotations={labels.REQUESTED_BY: before})
    change = {labels.REQUESTED_BY: after}
    assert verdict(facts(annotations=change, old=old)).code == 403
    assert verdict(facts(annotations=change, old=old, groups=ADMINS)) == Decision()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"owner": "bob"}, id="a label of their own is added"),
        pytest.param({"owner": "bob"}, {}, id="a label of their own is removed"),
        pytest.param({labels.TIER: "retired"}, {labels.TIER: "retired"}, id="a tier that is gone stays"),
        pytest.param(
            {labels.TEAM: "Old_Team"}, {labels.TEAM: "Old_Team"}, id="a team with an old name stays"
        ),
    ],
)
def test_tenants_change_what_is_theirs(before: Changes, after: Changes) -> None:
    assert _codes(before, after) == (200, 200)


def test_a_name_from_before_the_rules_can_still_be_updated() -> None:
    assert verdict(facts(name="x", labels={"owner": "bob"}, old=state())) == Decision()
    assert verdict(facts(name="kube-system", labels={"owner": "bob"}, old=state())) == Decision()


@pytest.mark.parametrize("groups", [TENANT, ADMINS], ids=["by a tenant", "by an admin"])
@pytest.mark.parametrize("lacking", [{labels.TEAM: None}, {labels.TIER: None}, {labels.TEAM: ""}], ids=str)
def test_a_namespace_that_lacks_something_is_not_held_up_by_it(
    lacking: Changes, groups: tuple[str, ...]
) -> None:
    """Controllers update namespaces for reasons of their own; only who touches our labels is asked."""
    asked = facts(labels={**lacking, "owner": "bob"}, old=state(labels=lacking), groups=groups)
    assert verdict(asked) == Decision()


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        pytest.param({labels.TIER: "huge"}, ["tier-exists"], id="a tier that is not there"),
        pytest.param({labels.TEAM: "Bad_Team"}, ["name-pattern"], id="a team with a bad name"),
        pytest.param({labels.TEAM: "ok\n"}, ["name-pattern"], id="a team with a newline behind"),
    ],
)
def test_admins_keep_to_the_rules_too(changes: Changes, broken: list[str]) -> None:
    asked = facts(labels=changes, old=state(), groups=ADMINS)
    assert rules(asked) == broken


def test_every_change_is_named() -> None:
    asked = facts(labels={labels.TIER: "large", labels.TEAM: "checkout"}, old=state())
    admins = "changes by platform-admins, system:masters; keep it as it was, or ask a platform admin"
    assert wording.denial(verdict(asked)) == (
        "2 rules are broken:\n"
        '  [managed-labels-immutable] metadata.labels[platform/tier]: was "small", would be set to '
        f'"large"; allowed: {admins}\n'
        '  [managed-labels-immutable] metadata.labels[platform/team]: was "payments", would be set to '
        f'"checkout"; allowed: {admins}'
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param({}, {labels.MANAGED_BY: None}, 'was "ns-provisioner", would be removed', id="removed"),
        pytest.param({labels.TIER: None}, {}, 'was absent, would be set to "small"', id="added"),
        pytest.param({}, {labels.MANAGED_BY: ""}, 'was "ns-provisioner", would be set to ""', id="emptied"),
    ],
)
def test_the_words_for(before: Changes, after: Changes, words: str) -> None:
    (violation,) = violations(facts(labels=after, old=state(labels=before)))
    assert violation.rule == "managed-labels-immutable"
    assert violation.sent == words


def _unmanaged(after: dict[str, str], groups: tuple[str, ...] = TENANT) -> int:
    asked = facts(
        labels={**UNMANAGED, **after},
        annotations={labels.REQUESTED_BY: None},
        old=HAND_MADE,
        groups=groups,
    )
    return verdict(asked).code


@pytest.mark.parametrize(
    ("after", "tenant", "admin"),
    [
        pytest.param({"owner": "bob"}, 200, 200, id="a label of their own"),
        pytest.param({labels.MANAGED_BY: "Helm"}, 200, 200, id="another manager"),
        pytest.param({labels.TIER: "small"}, 403, 200, id="a tier alone"),
        pytest.param({labels.TEAM: "payments"}, 403, 200, id="a team alone"),
        pytest.param(dict(state().labels), 403, 200, id="complete adoption"),
        pytest.param({labels.MANAGED_BY: labels.MANAGER}, 422, 422, id="adoption without a team"),
    ],
)
def test_an_unmanaged_namespace_is_not_adopted_by_tenants(
    after: dict[str, str], tenant: int, admin: int
) -> None:
    assert (_unmanaged(after), _unmanaged(after, ADMINS)) == (tenant, admin)


@pytest.mark.parametrize(
    ("lacking", "broken"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([labels.TEAM], ["managed-labels-complete"], id="the team"),
        pytest.param([labels.TIER], ["tier-exists"], id="the tier"),
        pytest.param([labels.TIER, labels.TEAM], ["tier-exists", "managed-labels-complete"], id="both"),
    ],
)
def test_an_admin_who_adopts_a_namespace_says_tier_and_team(lacking: list[str], broken: list[str]) -> None:
    """Also where the namespace had lacked them before, so that only the manager changes."""
    changes: Changes = dict.fromkeys(lacking)
    old = state(labels={**changes, labels.MANAGED_BY: None})
    assert rules(facts(labels=changes, old=old, groups=ADMINS)) == broken


def test_an_admin_who_adopts_a_namespace_of_a_tier_that_is_gone_says_another() -> None:
    gone = {labels.TIER: "retired"}
    asked = facts(labels=gone, old=state(labels={**gone, labels.MANAGED_BY: "Helm"}), groups=ADMINS)
    assert rules(asked) == ["tier-exists"]


@pytest.mark.parametrize("after", ["argocd", None, "x" * 70], ids=["replaced", "removed", "nonsense"])
def test_a_foreign_manager_is_free_to_change(after: str | None) -> None:
    old = NamespaceState({labels.MANAGED_BY: "Helm"})
    change = {labels.TIER: None, labels.TEAM: None, labels.MANAGED_BY: after}
    assert verdict(facts(labels=change, annotations={labels.REQUESTED_BY: None}, old=old)) == Decision()


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("a member of the team", False),
        ("a member of another team", False),
        ("a requester", False),
        ("our controller", False),
        ("an applier", True),
        ("an admin", True),
    ],
)
@pytest.mark.parametrize("key", KEYS)
def test_who_changes_the_identity_of_a_namespace(key: str, who: str, may: bool) -> None:
    asked = asked_by(CALLERS[who], facts(labels={key: OTHER[key]}, old=state()))
    assert rules(asked, policy()) == ([] if may else ["managed-labels-immutable"])
    assert rules(asked_by(CALLERS["an applier"], asked)) == ["managed-labels-immutable"], "if it is none"


@pytest.mark.parametrize("who", ["a member of the team", "a requester", "our controller", "an applier"])
@pytest.mark.parametrize("after", ["bob", None, ""])
def test_only_an_admin_rewrites_the_record_of_who_asked(who: str, after: str | None) -> None:
    asked = asked_by(CALLERS[who], facts(annotations={labels.REQUESTED_BY: after}, old=state()))
    assert rules(asked, policy()) == ["managed-labels-immutable"]


TOMORROW, LATER = "2026-01-03T00-00-00Z", "2036-01-01T00-00-00Z"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, TOMORROW, id="it is set"),
        pytest.param(TOMORROW, LATER, id="it is put off"),
        pytest.param(TOMORROW, None, id="it is taken away"),
        pytest.param(TOMORROW, "", id="it is emptied"),
    ],
)
@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("a member of the team", False),
        ("a member of another team", False),
        ("a requester", False),
        ("an applier", False),
        ("our controller", True),
        ("an admin", True),
    ],
)
@pytest.mark.parametrize("base", [{}, UNMANAGED], ids=["of ours", "of nobody"])
def test_who_writes_when_a_namespace_ends(
    before: str | None, after: str | None, who: str, may: bool, base: Changes
) -> None:
    """The label is what the controller makes of platform/ttl; nobody else shortens or stretches it."""
    old = state(labels={**base, labels.EXPIRES_AT: before})
    asked = asked_by(CALLERS[who], facts(labels={**base, labels.EXPIRES_AT: after}, old=old))
    assert rules(asked, policy()) == ([] if may else ["managed-labels-immutable"])


@pytest.mark.parametrize(
    ("who", "may"), [("a member of the team", False), ("a requester", False), ("an admin", True)]
)
def test_nobody_is_born_with_an_end(who: str, may: bool) -> None:
    asked = asked_by(CALLERS[who], facts(labels={labels.EXPIRES_AT: TOMORROW}))
    assert ("managed-labels-immutable" not in rules(asked)) is may


@pytest.mark.parametrize(("who", "may"), [(who, who in ("our controller", "an admin")) for who in CALLERS])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, "1", id="it is set"),
        pytest.param("1772366400", "1", id="it is set back"),
        pytest.param("1772366400", None, id="it is taken away"),
    ],
)
def test_who_writes_since_when_a_namespace_has_had_no_pods(
    before: str | None, after: str | None, who: str, may: bool
) -> None:
    """Whoever could would end other people's namespaces without the right to delete them."""
    old = state(annotations={labels.IDLE_SINCE: before})
    asked = asked_by(CALLERS[who], facts(annotations={labels.IDLE_SINCE: after}, old=old))
    assert rules(asked, policy()) == ([] if may else ["managed-labels-immutable"])


@pytest.mark.parametrize(("who", "may"), [(who, who in ("an applier", "an admin")) for who in CALLERS])
@pytest.mark.parametrize(
    "old", [pytest.param(state(), id="an existing one"), pytest.param(None, id="a new one")]
)
def test_who_forces_a_tier_with_less_than_is_in_use(old: NamespaceState | None, who: str, may: bool) -> None:
    asked = asked_by(CALLERS[who], facts(annotations={labels.FORCE: "small"}, old=old))
    assert ("managed-labels-immutable" not in rules(asked, policy())) is may


def test_nobody_is_born_idle() -> None:
    assert "managed-labels-immutable" in rules(facts(annotations={labels.IDLE_SINCE: "1"}))


@pytest.mark.parametrize("key", [*KEYS, labels.EXPIRES_AT])
def test_a_terminating_namespace_changes_hands_no_more_than_others(key: str) -> None:
    going = state(labels={labels.EXPIRES_AT: TOMORROW}, terminating=True)
    new = dataclasses.replace(going, labels={**going.labels, **OTHER, labels.EXPIRES_AT: LATER})
    only = dataclasses.replace(going, labels={**going.labels, key: new.labels[key]})
    asked = dataclasses.replace(facts(old=going), new=only)
    assert rules(asked) == ["managed-labels-immutable"]


def test_a_deletion_changes_nothing() -> None:
    assert verdict(deletion(state(), CALLERS["a member of the team"])) == Decision()


def test_where_groups_say_nothing_about_teams_identity_still_stands() -> None:
    asked = facts(labels={labels.TEAM: "shop"}, old=state())
    assert rules(asked, policy(team_groups=None)) == ["managed-labels-immutable"]
