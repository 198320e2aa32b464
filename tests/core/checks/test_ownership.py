"""What a new namespace has to say of itself, and what nobody may make it say."""

import dataclasses

import pytest

from tests.core.builders import (
    ADMINS,
    API,
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
from webhook.core.model import Decision, Facts, NamespaceState
from webhook.core.pattern import Pattern

ROBOT = ("system:serviceaccounts",)


@pytest.mark.parametrize(
    ("manager", "sent"),
    [
        pytest.param("Helm", '"Helm" is another manager', id="another manager"),
        pytest.param("ns-provisioner\n", '"ns-provisioner\\n" is another manager', id="a newline behind"),
        pytest.param("", "the label is missing", id="empty"),
        pytest.param(None, "the label is missing", id="missing"),
    ],
)
@pytest.mark.parametrize("groups", [TENANT, ADMINS], ids=["by a tenant", "by an admin"])
def test_the_manager_is_us(manager: str | None, sent: str, groups: tuple[str, ...]) -> None:
    (violation,) = violations(facts(labels={labels.MANAGED_BY: manager}, groups=groups))
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
@pytest.mark.parametrize("groups", [TENANT, ADMINS], ids=["by a tenant", "by an admin"])
def test_what_mutation_would_have_added_is_asked_for(
    changes: dict[str, Changes], missing: list[str], groups: tuple[str, ...]
) -> None:
    found = violations(facts(groups=groups, **changes))  # type: ignore[arg-type]
    assert [(violation.rule, violation.path) for violation in found] == [
        ("defaults-present", path) for path in missing
    ]


def test_the_levels_asked_for_are_those_of_the_tier() -> None:
    strict = dataclasses.replace(POLICY.tiers["large"], pod_security={"enforce": "restricted"})
    chosen = policy(tiers={**POLICY.tiers, "large": strict})
    asked = facts(labels={labels.TIER: "large", ENFORCE: None, WARN: None})
    (violation,) = violations(asked, chosen)
    assert (violation.path, violation.allowed) == (f"metadata.labels[{ENFORCE}]", '"restricted"')


REQUIRED = policy(
    required_labels={"cost-centre": Pattern("[0-9]{4}")},
    required_annotations={"contact": Pattern(".+@example\\.com")},
)
STATED: dict[str, Changes] = {
    "labels": {"cost-centre": "4711"},
    "annotations": {"contact": "a@example.com"},
}


@pytest.mark.parametrize(
    ("part", "key", "value", "sent"),
    [
        pytest.param("labels", "cost-centre", None, "it is missing", id="a label is missing"),
        pytest.param("labels", "cost-centre", "", '"" will not do', id="a label is empty"),
        pytest.param("labels", "cost-centre", "47110", '"47110" will not do', id="a label says more"),
        pytest.param("labels", "cost-centre", "4711\n", '"4711\\n" will not do', id="a newline behind"),
        pytest.param("labels", "cost-centre", "٤٧١١", '"\\u0664', id="digits of another script"),
        pytest.param("annotations", "contact", None, "it is missing", id="an annotation is missing"),
        pytest.param("annotations", "contact", "\ud800@example.com", '"\\ud800@', id="half a surrogate"),
        pytest.param("annotations", "contact", "x" * 10**6, '"xxx', id="a million letters"),
    ],
)
@pytest.mark.parametrize("groups", [TENANT, ADMINS], ids=["by a tenant", "by an admin"])
def test_required_metadata(
    part: str, key: str, value: str | None, sent: str, groups: tuple[str, ...]
) -> None:
    changes = {**STATED, part: {**STATED[part], key: value}}
    (found,) = violations(facts(groups=groups, **changes), REQUIRED)  # type: ignore[arg-type]
    assert (found.rule, found.path) == ("required-metadata", f"metadata.{part}[{key}]")
    assert found.sent.startswith(sent)
    assert len(found.sent) < 200
    assert not found.forbidden


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param("4711", "4712", [], id="it changes within the pattern"),
        pytest.param("none", "none", [], id="a wrong one from before stays"),
        pytest.param(None, None, [], id="one that was never there stays away"),
        pytest.param("4711", "none", ["required-metadata"], id="it changes to a wrong one"),
        pytest.param("4711", None, ["required-metadata"], id="it is taken away"),
    ],
)
def test_required_metadata_of_a_namespace_that_is_there(
    before: str | None, after: str | None, broken: list[str]
) -> None:
    def labelled(value: str | None) -> Changes:
        return {"cost-centre": value}

    old = state(labels=labelled(before), annotations=STATED["annotations"])
    asked = facts(labels=labelled(after), annotations=STATED["annotations"], old=old)
    assert rules(asked, REQUIRED) == broken


def test_an_adopted_namespace_has_the_required_metadata() -> None:
    asked = facts(old=state(labels=UNMANAGED), groups=ADMINS)
    assert rules(asked, REQUIRED) == ["required-metadata", "required-metadata"]
    assert rules(facts(old=state(labels=UNMANAGED), groups=ADMINS, **STATED), REQUIRED) == []  # type: ignore[arg-type]


def test_a_namespace_of_somebody_else_needs_no_required_metadata() -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    old = state(labels={**foreign, "cost-centre": "4711"})
    assert rules(facts(labels=foreign, old=old), REQUIRED) == []


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
    found = rules(facts(user=user, annotations={labels.REQUESTED_BY: "bob"}))
    assert found == ([] if allowed else ["requested-by-true"])


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("a member of the team", False),
        ("our controller", False),
        ("a requester", True),
        ("an applier", True),
        ("an admin", True),
    ],
)
def test_who_asks_in_the_name_of_somebody_else(who: str, allowed: bool) -> None:
    asked = asked_by(CALLERS[who], facts(annotations={labels.REQUESTED_BY: "bob"}))
    assert ("requested-by-true" not in rules(asked, policy())) is allowed


def test_requesters_are_those_of_the_policy() -> None:
    chosen = policy(requesters=frozenset({"robot"}))
    for user, allowed in (("robot", True), (API, False)):
        asked = facts(user=user, groups=ROBOT, annotations={labels.REQUESTED_BY: "bob"})
        assert verdict(asked, chosen).allowed is allowed


def test_a_requester_is_no_admin() -> None:
    asked = facts(user=API, groups=ROBOT, labels={labels.TEAM: "checkout"}, old=state())
    assert rules(asked) == ["managed-labels-immutable"]


GHOST = "ClusterRole/gone 705ab4f5"
OTHER = "ClusterRole/gone 11111111"


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param((), (), 0, id="none"),
        pytest.param((), (GHOST,), 1, id="one is added"),
        pytest.param((), (GHOST, OTHER), 2, id="two are added"),
        pytest.param((GHOST,), (GHOST,), 0, id="one from before stays"),
        pytest.param((GHOST,), (), 0, id="one is taken away"),
        pytest.param((GHOST,), (OTHER,), 1, id="one is exchanged for another of that name"),
        pytest.param((GHOST,), (GHOST, OTHER), 1, id="one is added beside another"),
    ],
)
@pytest.mark.parametrize("who", ["a member of the team", "a requester", "an applier", "our controller"])
def test_no_owner_references(before: tuple[str, ...], after: tuple[str, ...], broken: int, who: str) -> None:
    asked = asked_by(CALLERS[who], facts(owners=after, old=state(owners=before)))
    assert rules(asked, policy()) == ["no-owner-references"] * broken
    assert rules(asked_by(CALLERS["an admin"], asked), policy()) == []


def test_an_owner_is_a_matter_of_rights() -> None:
    assert verdict(facts(owners=(GHOST,), old=state())).code == 403


def test_nobody_is_born_with_an_owner() -> None:
    for groups, broken in ((TENANT, ["no-owner-references"]), (ADMINS, [])):
        assert rules(facts(owners=(GHOST,), groups=groups)) == broken


def _owned(new: Changes, *, who: str) -> Facts:
    old = state(labels=UNMANAGED, owners=(GHOST,))
    return asked_by(CALLERS[who], facts(labels=new, owners=(GHOST,), old=old))


def test_an_applier_adopts_no_namespace_that_has_an_owner() -> None:
    """It was of no consequence before; afterwards it would be a way to have our objects deleted."""
    assert rules(_owned({}, who="an applier"), policy()) == ["no-owner-references"]
    assert rules(_owned({}, who="an admin"), policy()) == []


def test_what_somebody_else_s_namespace_is_owned_by_is_not_our_business() -> None:
    assert rules(_owned({**UNMANAGED, "note": "x"}, who="a member of the team")) == []
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    assert rules(facts(labels=foreign, owners=(GHOST,), old=state(labels=foreign))) == []


def test_an_owner_does_not_keep_a_namespace_from_being_deleted() -> None:
    owned = state(owners=(GHOST,))
    assert verdict(deletion(owned, CALLERS["a member of the team"])) == Decision()


def test_a_terminating_namespace_is_held_up_by_nothing_that_it_lacks() -> None:
    bare = NamespaceState(
        {labels.MANAGED_BY: labels.MANAGER, labels.TIER: "retired"}, {}, (GHOST,), terminating=True
    )
    for caller in CALLERS.values():
        asked = dataclasses.replace(facts(old=bare), caller=caller, new=bare)
        assert verdict(asked, REQUIRED) == Decision()
