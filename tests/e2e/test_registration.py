"""Every rule that is registered really matches, and none can be got round by a label."""

import dataclasses
import re
from collections.abc import Iterator

import pytest

from tests.attack import doors
from tests.attack.actors import ADMIN, STRANGER, rights
from tests.attack.client import Client, Request
from tests.attack.objectcreations import BODIES
from tests.attack.words import LABELS, MANAGED_BY, MANAGER, TIER
from tests.e2e import cluster, registered
from tests.e2e.cluster import Manifest
from tests.e2e.registered import Rule
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation

PLACE = "probed"
_KINDS = {
    "limitranges": "LimitRange",
    "resourcequotas": "ResourceQuota",
    "configmaps": "ConfigMap",
    "networkpolicies": "NetworkPolicy",
    "rolebindings": "RoleBinding",
}
_MERGE = "application/merge-patch+json"


@pytest.fixture(scope="module")
def client(plane: ControlPlane, product: Installation) -> Iterator[Client]:
    """With a namespace of ours that has one object of each kind, called `probe`."""
    found = Client(plane)
    for manifest in rights((ADMIN, STRANGER)):
        path = (
            f"/apis/rbac.authorization.k8s.io/v1/{manifest['kind'].lower()}s/{manifest['metadata']['name']}"
        )
        found.must(doors.applied(manifest, path, "tests"))
    cluster.new(plane, PLACE, team="payments")
    for resource, kind in _KINDS.items():
        manifest = _labelled(kind, "probe")
        found.must(doors.applied(manifest, f"{_collection(_root(kind), resource)}/probe", "tests"))
    yield found
    found.close()


def _labelled(kind: str, name: str) -> Manifest:
    return {**BODIES[kind], "kind": kind, "metadata": {"name": name, "labels": {MANAGED_BY: MANAGER}}}


def _root(kind: str) -> str:
    version = BODIES[kind]["apiVersion"]
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _collection(root: str, resource: str) -> str:
    return f"{root}/namespaces/{PLACE}/{resource}"


def test_every_rule_names_something_that_the_api_server_serves(client: Client) -> None:
    rules = registered.rules(client)
    assert len(rules) > 20
    assert registered.unknown(client, rules) == []


def test_no_door_to_what_we_guard_is_forgotten(client: Client) -> None:
    assert registered.uncovered(client, registered.rules(client)) == []


def test_a_request_to_each_rule_reaches_us(client: Client, product: Installation) -> None:
    assert [rule for rule in registered.rules(client) if not _is_reached(client, product, rule)] == []


@pytest.mark.parametrize("misspelt", ["namespace/finalize", "namespaces/finalise", "namespacess"])
@pytest.mark.parametrize("of", ["validate.ns-provisioner.io", "ns-provisioner-namespaces"])
def test_a_misspelt_resource_would_be_found(
    client: Client, product: Installation, misspelt: str, of: str
) -> None:
    """By discovery, by the probe, and by the door that is then open."""
    (good,) = [
        rule
        for rule in registered.rules(client)
        if (rule.of, rule.resource, rule.operation) == (of, "namespaces/finalize", "UPDATE")
    ]
    bad = dataclasses.replace(good, resource=misspelt)
    others = [rule for rule in registered.rules(client) if rule.resource != "namespaces/finalize"]
    assert registered.unknown(client, [good, bad]) == [bad]
    assert _is_reached(client, product, good)
    assert not _is_reached(client, product, bad)
    assert "/api/v1/namespaces/finalize" in registered.uncovered(client, [*others, bad])


def _is_reached(client: Client, product: Installation, rule: Rule) -> bool:
    """Whether a dry run of what a rule is about comes to the webhook or policy that the rule is of."""
    if rule.of.startswith("ns-provisioner-"):
        reply = client.send(_request(rule), STRANGER, dry_run=True)
        return f"ValidatingAdmissionPolicy '{rule.of}'" in reply.text
    endpoint = rule.of.partition(".")[0].partition("-")[0]
    before = _reviews(product, endpoint, rule.operation)
    client.send(_request(rule), ADMIN, dry_run=True)
    return _reviews(product, endpoint, rule.operation) > before


def _reviews(product: Installation, endpoint: str, operation: str) -> float:
    """How many reviews the product has answered, by its own metrics."""
    text = product.metrics("admission")
    wanted = f'nsp_admission_reviews_total{{endpoint="{endpoint}",operation="{operation}"'
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(wanted))


def _request(rule: Rule) -> Request:
    """Something that a policy refuses to STRANGER, and that a webhook is asked about for ADMIN."""
    if rule.whole in _KINDS:
        return _object_request(rule)
    path = f"{rule.root}/{rule.whole}"
    if rule.operation == "CREATE":
        name = "cert-manager" if rule.of.startswith("ns-provisioner-") else "probed-new"
        return Request("POST", path, {"metadata": {"name": name}})
    if rule.operation == "DELETE":
        return Request("DELETE", f"{path}/{PLACE}")
    subresource = rule.resource.partition("/")[2]
    whole = f"{path}/{PLACE}/{subresource}".rstrip("/")
    labels = {**LABELS, TIER: "large"}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE, "labels": labels}}
    return Request("PUT", whole, manifest)


def _object_request(rule: Rule) -> Request:
    kind, collection = _KINDS[rule.whole], _collection(rule.root, rule.whole)
    if rule.operation == "CREATE":
        return Request("POST", collection, _labelled(kind, "probe-new"))
    if rule.operation == "DELETE":
        return Request("DELETE", f"{collection}/probe")
    subresource = rule.resource.partition("/")[2]
    whole = f"{collection}/probe/{subresource}".rstrip("/")
    return Request("PATCH", whole, {"metadata": {"labels": {MANAGED_BY: None}}}, _MERGE)


def test_no_label_that_a_tenant_can_write_switches_us_off(client: Client) -> None:
    for hook in registered.webhooks(client):
        assert hook["objectSelector"] == {}
        (expression,) = hook["namespaceSelector"]["matchExpressions"]
        assert hook["namespaceSelector"].keys() == {"matchExpressions"}
        assert (expression["key"], expression["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
    for policy in registered.policies(client):
        constraints = policy["spec"]["matchConstraints"]
        assert constraints["namespaceSelector"] == {}
        if policy["metadata"]["name"].startswith("ns-provisioner-namespaces"):
            assert constraints["objectSelector"] == {}


def test_the_webhooks_are_bounded_and_pure(client: Client) -> None:
    policy_by_hook = {}
    for hook in registered.webhooks(client):
        assert (hook["timeoutSeconds"], hook["sideEffects"], hook["matchPolicy"]) == (3, "None", "Equivalent")
        assert hook["admissionReviewVersions"] == ["v1"]
        policy_by_hook[hook["name"]] = hook["failurePolicy"]
    assert policy_by_hook == {
        "mutate.ns-provisioner.io": "Ignore",
        "validate.ns-provisioner.io": "Fail",
        "validate-delete.ns-provisioner.io": "Ignore",
    }


def test_the_api_server_finds_nothing_wrong_with_the_expressions(client: Client) -> None:
    names = [policy["metadata"]["name"] for policy in registered.policies(client)]
    assert names == ["ns-provisioner-namespaces", "ns-provisioner-objects"]
    for name in names:
        path = f"{registered.REGISTRATION}/validatingadmissionpolicies/{name}"
        status = cluster.eventually(lambda path=path: _checked(client, path), f"{name} to be checked")  # type: ignore[misc]
        assert status.get("typeChecking", {}).get("expressionWarnings", []) == []


def _checked(client: Client, path: str) -> Manifest | None:
    """The status once the controller has looked at the policy as it is now."""
    policy = client.must(Request("GET", path))
    status: Manifest = policy.get("status", {})
    return status if status.get("observedGeneration") == policy["metadata"]["generation"] else None


def test_every_expression_has_a_message_that_begins_with_a_rule(client: Client) -> None:
    for policy in registered.policies(client):
        for validation in policy["spec"]["validations"]:
            said = validation.get("messageExpression", validation.get("message", ""))
            assert re.match(r'"?\[[a-z-]+\] ', said), said
