"""Who takes a namespace's finalizers away, without which it goes before it is empty."""

import pytest

from tests.core.builders import (
    CALLERS,
    UNMANAGED,
    Changes,
    asked_by,
    deletion,
    policy,
    rules,
    state,
    verdict,
    violations,
)
from webhook.core import labels
from webhook.core.model import Decision, Facts, NamespaceState, Operation, Violation

KUBERNETES, MINE = "kubernetes", "example.com/mine"
KEPT = ["finalizers-kept"]


def update(old: NamespaceState, new: NamespaceState, who: str = "a member of the team") -> Facts:
    return Facts(Operation.UPDATE, "payments", CALLERS[who], new, old)


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param((KUBERNETES,), (KUBERNETES,), [], id="they stay"),
        pytest.param((KUBERNETES,), (), KEPT, id="the one is removed"),
        pytest.param((KUBERNETES, MINE), (KUBERNETES,), KEPT, id="one of two is removed"),
        pytest.param((KUBERNETES, MINE), (), KEPT, id="both are removed"),
        pytest.param((KUBERNETES,), (MINE,), KEPT, id="one is exchanged for another"),
        pytest.param(
            (KUBERNETES,), (KUBERNETES.upper(),), KEPT, id="one is exchanged for one that looks alike"
        ),
        pytest.param((KUBERNETES, MINE), (MINE, KUBERNETES), [], id="they change places"),
        pytest.param((KUBERNETES,), (KUBERNETES, MINE), [], id="one is added"),
        pytest.param((), (KUBERNETES,), [], id="the first is added"),
        pytest.param((), (), [], id="there are none"),
    ],
)
@pytest.mark.parametrize("terminating", [False, True], ids=["in use", "terminating"])
def test_a_tenant_takes_none_away(
    before: tuple[str, ...], after: tuple[str, ...], broken: list[str], terminating: bool
) -> None:
    old, new = (state(finalizers=each, terminating=terminating) for each in (before, after))
    assert rules(update(old, new)) == broken


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("a member of the team", False),
        ("a member of another team", False),
        ("somebody in no team", False),
        ("a requester", False),
        ("an applier", False),
        ("our controller", False),
        ("an admin", True),
    ],
)
def test_who_takes_them_away(who: str, may: bool) -> None:
    asked = update(state(finalizers=(KUBERNETES,), terminating=True), state(terminating=True), who)
    assert rules(asked, policy()) == ([] if may else KEPT)
    assert rules(asked, policy(team_groups=None)) == ([] if may else KEPT)


@pytest.mark.parametrize("who", ["a member of the team", "an applier"])
@pytest.mark.parametrize("manager", [None, "Helm"])
def test_letting_go_of_the_namespace_in_the_same_request_is_no_way_around(
    who: str, manager: str | None
) -> None:
    old, new = state(finalizers=(KUBERNETES,)), state({labels.MANAGED_BY: manager})
    assert not verdict(update(old, new, who), policy()).allowed


def test_a_namespace_of_somebody_else_is_not_our_business() -> None:
    foreign: Changes = {labels.MANAGED_BY: "Helm"}
    old = state(foreign, finalizers=(KUBERNETES,))
    assert verdict(update(old, state(foreign))) == Decision()
    bare = state(UNMANAGED, finalizers=(KUBERNETES,))
    assert verdict(update(bare, state(UNMANAGED))) == Decision()


def test_a_deletion_takes_none_away() -> None:
    going = state(finalizers=(KUBERNETES,))
    assert verdict(deletion(going, CALLERS["a member of the team"])) == Decision()


def test_a_namespace_may_be_born_without_one() -> None:
    asked = Facts(Operation.CREATE, "payments", CALLERS["a member of the team"], state())
    assert verdict(asked) == Decision()


def test_what_is_said() -> None:
    (found,) = violations(update(state(finalizers=(KUBERNETES, MINE)), state()))
    assert found == Violation(
        rule="finalizers-kept",
        path="spec.finalizers",
        sent='"kubernetes" would be removed',
        allowed="changes by Kubernetes itself, platform-admins, system:masters",
        suggestion="find out what keeps the namespace from going, or ask a platform admin",
        forbidden=True,
    )
    admin = asked_by(CALLERS["an admin"], update(state(finalizers=(KUBERNETES,)), state()))
    assert verdict(admin).allowed
