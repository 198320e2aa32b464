"""Registration, policies and rights of the chart are those of the code, whatever the catalogue says."""

from typing import Any

import pytest

from tests.chart import catalogues, rendering
from webhook.codec import admissionpolicy, catalogue, rbac, registration
from webhook.core.model import Manifest
from webhook.core.policy import Policy

_SERVICE = {"name": "ns-provisioner-admission", "namespace": "ns-provisioner", "port": 443}
_POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_RIGHTS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@pytest.fixture(params=catalogues.CHANGES, scope="module")
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Policy, list[Manifest]]:
    """A catalogue as the code reads it, and what helm renders of it."""
    text = catalogues.text(catalogues.CHANGES[request.param])
    file = tmp_path_factory.mktemp("catalogue") / "catalogue.yaml"
    file.write_text(text)
    api = ["api.enabled=true", "api.tokensSecretName=tokens"]
    rendered = rendering.render("--set-file", f"catalogue={file}", *rendering.sets(api))
    return catalogue.parse(text), rendered


def test_the_catalogue_goes_to_the_processes_as_it_is(case: tuple[Policy, list[Manifest]]) -> None:
    policy, rendered = case
    given = rendering.named(rendered, "ConfigMap", "ns-provisioner-catalogue")["data"]["catalogue.yaml"]
    assert catalogue.parse(given) == policy


def test_the_webhooks_are_the_same(case: tuple[Policy, list[Manifest]]) -> None:
    policy, rendered = case
    for wanted in registration.configurations(policy, {"url": ""}):
        found = rendering.named(rendered, wanted["kind"])
        for hook in wanted["webhooks"]:
            path = hook["clientConfig"].pop("url")
            hook["clientConfig"]["service"] = {**_SERVICE, "path": path}
        assert found["webhooks"] == wanted["webhooks"]


def test_the_policies_are_the_same(case: tuple[Policy, list[Manifest]]) -> None:
    policy, rendered = case
    wanted = {_key(each): each["spec"] for each in admissionpolicy.manifests(policy)}
    assert {_key(each): each["spec"] for each in rendering.kinds(rendered, *_POLICIES)} == wanted


def test_the_rights_are_the_same(case: tuple[Policy, list[Manifest]]) -> None:
    policy, rendered = case
    wanted = rbac.manifests(policy, ("controller", "api"), "ns-provisioner")
    assert {_key(each): _content(each) for each in rendering.kinds(rendered, *_RIGHTS)} == {
        _key(each): _content(each) for each in wanted if each["kind"] in _RIGHTS
    }


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _content(manifest: Manifest) -> Any:
    """The order of verbs says nothing."""
    if "rules" not in manifest:
        return manifest["roleRef"], manifest["subjects"]
    return [{**rule, "verbs": sorted(rule["verbs"])} for rule in manifest["rules"]]
