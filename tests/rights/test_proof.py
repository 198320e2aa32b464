"""The rights of our accounts are exactly those that they use: nothing is missing, nothing is left over.

One tour makes the product do all it can; the API server's audit log says what that took.
"""

from contextlib import suppress

import pytest

from tests.e2e import cluster
from tests.rights import audit, catalogue, tour
from tests.rights.audit import Use
from tools.controlplane.api import Answer
from tools.controlplane.plane import ControlPlane
from tools.dev import accounts
from tools.dev.installation import Installation
from webhook.adapters import catalogue_file
from webhook.codec import rbac
from webhook.core import rights
from webhook.core.model import Manifest

SETTLED_SECONDS = 10.0
"""For what comes by itself a little later: Events, the renewal of the Lease."""

_BIND = "bind"
"""No request uses it by itself: RBAC asks for it when a RoleBinding is written."""

_GROUP = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def manifests(audited: Installation) -> list[Manifest]:
    return rbac.manifests(catalogue_file.load(audited.catalogue), rights.ROLES, accounts.NAMESPACE)


@pytest.fixture(scope="module")
def granted(manifests: list[Manifest]) -> set[Use]:
    return {use for use in audit.granted(manifests) if use.verb != _BIND}


@pytest.fixture(scope="module", autouse=True)
def _toured(audited: Installation) -> None:
    tour.run(audited)


def test_every_right_is_used(audited: Installation, granted: set[Use]) -> None:
    unused = granted

    def all_used() -> bool:
        nonlocal unused
        made = audit.requests(audited.plane.audit_log)
        used = {request.use for request in made if not request.was_forbidden}
        unused = {right for right in unused if not any(audit.covers(right, use) for use in used)}
        return not unused

    with suppress(AssertionError):
        cluster.eventually(all_used, "every right to be used", seconds=SETTLED_SECONDS)
    assert unused == set()


def test_nothing_is_asked_for_that_is_not_granted(audited: Installation, granted: set[Use]) -> None:
    made = audit.requests(audited.plane.audit_log)
    assert [str(request) for request in made if request.was_forbidden] == []
    used = {request.use for request in made}
    assert {use for use in used if not any(audit.covers(right, use) for right in granted)} == set()


def test_every_cluster_role_that_may_be_given_away_is_given(
    audited: Installation, manifests: list[Manifest]
) -> None:
    may_give = {use.name for use in audit.granted(manifests) if use.verb == _BIND}
    cluster.new(audited.plane, "giving", tier=catalogue.FULL)
    path = f"/apis/{_GROUP}/v1/namespaces/giving/rolebindings"
    items = audited.plane.api.get(path).json()["items"]
    assert {item["roleRef"]["name"] for item in items} == may_give


def test_without_the_right_to_bind_a_role_cannot_be_given_away(
    audited: Installation, manifests: list[Manifest]
) -> None:
    role = next(each for each in manifests if each["kind"] == "ClusterRole")
    rules = [rule for rule in role["rules"] if rule["verbs"] != [_BIND]]
    assert len(rules) == len(role["rules"]) - 1
    assert _gives(audited.plane, "with-bind", role["rules"]).status == 201
    refused = _gives(audited.plane, "without-bind", rules)
    assert refused.status == 403
    assert b"RBAC permissions" in refused.body


def _gives(plane: ControlPlane, user: str, rules: list[Manifest]) -> Answer:
    """The API server's answer when `user`, with a role of these rules, gives a team the ClusterRole edit."""
    role = {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": user}, "rules": rules}
    subject = {"apiGroup": _GROUP, "kind": "User", "name": user}
    binding = {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": user},
        "subjects": [subject],
    }
    for plural, manifest in (("clusterroles", role), ("clusterrolebindings", binding)):
        assert plane.api.send("POST", f"/apis/{_GROUP}/v1/{plural}", manifest).status == 201
    given = {
        "metadata": {"name": "given"},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": "team-shop"}],
    }
    path = f"/apis/{_GROUP}/v1/namespaces/default/rolebindings?dryRun=All"

    def answer() -> Answer | None:
        found = plane.api.send("POST", path, given, headers={"Impersonate-User": user})
        return None if b"cannot create resource" in found.body else found  # the role is not in force yet

    return cluster.eventually(answer, f"the role of {user} to be in force")
