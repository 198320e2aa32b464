"""The rights of our accounts, and those of whoever asks."""

from dataclasses import replace

import pytest

from tests.core.builders import POLICY
from tests.core.diagnosis.healthy import CONTROLLER, FACTS, findings, troubles
from webhook.core import rights
from webhook.core.diagnosis import accounts
from webhook.core.diagnosis.model import Access, Asked


def lacking(*lost: str, own: bool = False) -> tuple[Asked, ...]:
    """All rights but some, named by the words for them."""
    every = FACTS.own_rights if own else FACTS.rights
    assert set(lost) <= {str(each.access) for each in every}
    return tuple(replace(each, allowed=str(each.access) not in lost) for each in every)


def test_every_right_is_told_to_be_there() -> None:
    assert findings("rights") == [
        ("ok", "you may do all 10 things that this command asks for", ""),
        ("ok", f"{CONTROLLER} has all {len(FACTS.rights)} rights that it uses", ""),
    ]


def test_missing_rights_of_an_account() -> None:
    lost = (
        "patch namespaces/status",
        "bind clusterroles.rbac.authorization.k8s.io edit",
        "update leases.coordination.k8s.io ns-provisioner-controller in ns-provisioner",
    )
    assert troubles("rights", rights=lacking(*lost)) == [
        f"fail: {CONTROLLER} may not: {', '.join(lost)} -> helm upgrade, or nsp rbac --namespace "
        "ns-provisioner | kubectl apply -f -"
    ]


def test_missing_rights_of_the_caller() -> None:
    lost = ("get secrets ns-provisioner-tls in ns-provisioner", "create namespaces")
    assert troubles("rights", own_rights=lacking(*lost, own=True)) == [
        f"warn: you may not: {', '.join(lost)} -> what needs these was not looked at: ask as a cluster admin"
    ]


def test_rights_that_cannot_be_asked_for() -> None:
    unknown = tuple(replace(each, allowed=None, text="403 Forbidden: you cannot") for each in FACTS.rights)
    assert troubles("rights", rights=unknown) == [
        f"warn: the rights of {CONTROLLER} could not be asked for: 403 Forbidden: you cannot -> "
        "ask as somebody who may create subjectaccessreviews"
    ]


@pytest.mark.parametrize("role", rights.ROLES)
def test_every_right_of_a_role_is_asked_for(role: str) -> None:
    granted = rights.of(role, POLICY)
    asked = accounts.of(role, POLICY, "home")
    for where, each in (("", granted.cluster), ("home", granted.own)):
        for right in each:
            for verb in right.verbs:
                for name in right.names or ("",):
                    assert Access(verb, right.group, right.resource, where, name) in asked
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("access", "words"),
    [
        pytest.param(Access("list", "", "namespaces"), "list namespaces", id="in the whole cluster"),
        pytest.param(
            Access("get", "apps", "deployments", "x"), "get deployments.apps in x", id="in one place"
        ),
        pytest.param(Access("get", "", "secrets", "x", "y"), "get secrets y in x", id="one object"),
    ],
)
def test_the_words_for_a_right(access: Access, words: str) -> None:
    assert str(access) == words
