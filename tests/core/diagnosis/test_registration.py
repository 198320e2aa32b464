"""The webhook configurations beside those that `nsp webhooks` prints."""

from typing import Any

import pytest

from tests.core.diagnosis.healthy import (
    FORBIDDEN,
    configurations,
    findings,
    hook,
    hooks,
    registered,
    troubles,
)
from webhook.core.diagnosis.model import Reply

AGAIN = "register it anew: helm upgrade, or nsp webhooks"
EXEMPT = ["cert-manager", "default", "kube-node-lease", "kube-public", "kube-system", "ns-provisioner"]
SERVICE = {"name": "ns-provisioner-admission", "namespace": "ns-provisioner", "path": "/validate"}


def without(name: str) -> dict[str, Any]:
    """Our registration without one webhook."""
    found = registered()
    return {
        kind: configurations(
            [each for item in reply.items() for each in item["webhooks"] if each["name"] != name]
        )
        for kind, reply in found.items()
    }


def selecting(key: str = "kubernetes.io/metadata.name", operator: str = "NotIn", **changes: Any) -> Any:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": EXEMPT, **changes}]}


def test_each_webhook_says_what_it_calls_and_how_it_fails() -> None:
    host = "ns-provisioner-admission.ns-provisioner.svc"
    assert [what for _, what, _ in findings("webhooks")] == [
        f"mutate.ns-provisioner.io is registered as it should be, {host}/mutate, Ignore",
        f"validate.ns-provisioner.io is registered as it should be, {host}/validate, Fail",
        f"validate-delete.ns-provisioner.io is registered as it should be, {host}/validate, Ignore",
    ]


def test_a_registration_by_url_is_as_good() -> None:
    by_url = {"mutating": configurations(hooks()[:1]), "validating": configurations(hooks()[1:])}
    assert troubles("webhooks", **by_url) == []


@pytest.mark.parametrize("name", ["mutate", "validate", "validate-delete"])
def test_a_webhook_that_is_not_there(name: str) -> None:
    assert troubles("webhooks", **without(f"{name}.ns-provisioner.io")) == [
        f"fail: {name}.ns-provisioner.io is not registered: it is never called -> {AGAIN}"
    ]


def test_another_name_of_configuration_is_not_ours() -> None:
    others = {**registered(), "mutating": configurations([hook("mutate")], name="other")}
    assert len(troubles("webhooks", **others)) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"clientConfig": {"service": {**SERVICE, "namespace": "old"}, "caBundle": "Q0E="}},
            [
                "fail: validate.ns-provisioner.io calls ns-provisioner-admission.old.svc/validate, not "
                f"ns-provisioner-admission.ns-provisioner.svc/validate -> {AGAIN}, or name the right "
                "--namespace"
            ],
            id="another namespace's service",
        ),
        pytest.param(
            {"clientConfig": {"service": {**SERVICE, "path": "/mutate"}, "caBundle": "Q0E="}},
            [
                "fail: validate.ns-provisioner.io calls ns-provisioner-admission.ns-provisioner.svc/mutate, "
                f"not ns-provisioner-admission.ns-provisioner.svc/validate -> {AGAIN}, or name the right "
                "--namespace"
            ],
            id="another path",
        ),
        pytest.param(
            {"clientConfig": {"url": "https://x/mutate", "caBundle": "Q0E="}},
            [
                "fail: validate.ns-provisioner.io calls https://x/mutate, not "
                f"ns-provisioner-admission.ns-provisioner.svc/validate -> {AGAIN}, or name the right "
                "--namespace"
            ],
            id="another path of a URL",
        ),
        pytest.param(
            {"clientConfig": {"service": SERVICE}},
            [
                "fail: validate.ns-provisioner.io has no caBundle: the API server trusts only what its own "
                "system does -> with cert-manager: look at its CA injector and the annotation "
                "cert-manager.io/inject-ca-from; without: put the CA there"
            ],
            id="no CA bundle",
        ),
        pytest.param(
            {"clientConfig": {"url": "https://x/validate"}},
            [
                "warn: validate.ns-provisioner.io has no caBundle: the API server trusts only what its own "
                "system does -> nothing, where the certificate is of a public CA"
            ],
            id="no CA bundle, which a URL may do without",
        ),
        pytest.param(
            {"failurePolicy": "Ignore"},
            [
                "warn: validate.ns-provisioner.io has failurePolicy Ignore, as shipped it is Fail -> "
                "while it "
                "cannot be called, what it would refuse is let in; nsp audit lists that afterwards"
            ],
            id="failing open",
        ),
        pytest.param(
            {"rules": []},
            [
                "fail: validate.ns-provisioner.io is not asked about CREATE v1/namespaces, UPDATE "
                "v1/namespaces, UPDATE v1/namespaces/finalize, UPDATE v1/namespaces/status -> " + AGAIN
            ],
            id="no rules",
        ),
        pytest.param(
            {"objectSelector": {"matchLabels": {"a": "b"}}},
            [
                "fail: validate.ns-provisioner.io selects by labels that a tenant can write, and so "
                "get around "
                f"it -> select by kubernetes.io/metadata.name alone; {AGAIN}"
            ],
            id="selecting objects by label",
        ),
        pytest.param(
            {"namespaceSelector": selecting("platform/skip", "DoesNotExist")},
            [
                "fail: validate.ns-provisioner.io selects by labels that a tenant can write, and so "
                "get around "
                f"it -> select by kubernetes.io/metadata.name alone; {AGAIN}"
            ],
            id="selecting namespaces by another label",
        ),
        pytest.param(
            {"namespaceSelector": selecting(operator="In")},
            [
                "fail: validate.ns-provisioner.io selects by labels that a tenant can write, and so "
                "get around "
                f"it -> select by kubernetes.io/metadata.name alone; {AGAIN}"
            ],
            id="only for some names",
        ),
        pytest.param(
            {"namespaceSelector": selecting(values=EXEMPT[1:])},
            [
                "fail: validate.ns-provisioner.io is called for cert-manager, which the catalogue exempts -> "
                + AGAIN
            ],
            id="an exempt name that is not spared",
        ),
        pytest.param(
            {"namespaceSelector": selecting(values=[*EXEMPT, "shop"])},
            [
                "warn: validate.ns-provisioner.io is not called for shop, which the catalogue does "
                "not exempt "
                f"-> add them to policy.exemptNames, or {AGAIN}"
            ],
            id="a name that is spared and not exempt",
        ),
        pytest.param(
            {
                "matchConditions": [
                    *hook("validate")["matchConditions"],
                    {"name": "mine", "expression": "true"},
                ]
            },
            [
                "warn: validate.ns-provisioner.io also has the match condition mine -> make sure that it is "
                f"meant: what it leaves out, nobody judges; else {AGAIN}"
            ],
            id="one more match condition",
        ),
        pytest.param(
            {"matchConditions": hook("validate")["matchConditions"][1:]},
            [
                "warn: validate.ns-provisioner.io lacks the match condition not-finishing-a-deletion -> make "
                f"sure that it is meant: what it leaves out, nobody judges; else {AGAIN}"
            ],
            id="one match condition less",
        ),
    ],
)
def test_a_webhook_that_differs(changes: dict[str, Any], told: list[str]) -> None:
    assert troubles("webhooks", **registered(hook("validate", **changes))) == told


def test_rules_may_be_written_in_another_way() -> None:
    whole = hook("validate")["rules"]
    split = [
        {**rule, "operations": [operation], "resources": [resource]}
        for rule in reversed(whole)
        for operation in rule["operations"]
        for resource in rule["resources"]
    ]
    assert len(split) > len(whole)
    assert troubles("webhooks", **registered(hook("validate", rules=split))) == []


def test_more_rules_than_needed() -> None:
    rules = [*hook("validate-delete")["rules"], {**hook("mutate")["rules"][0], "resources": ["pods"]}]
    assert troubles("webhooks", **registered(hook("validate-delete", rules=rules))) == [
        f"warn: validate-delete.ns-provisioner.io is asked needlessly about CREATE v1/pods -> {AGAIN}"
    ]


def test_deletion_that_would_fail_with_us() -> None:
    assert troubles("webhooks", **registered(hook("validate-delete", failurePolicy="Fail"))) == [
        "warn: validate-delete.ns-provisioner.io has failurePolicy Fail, as shipped it is Ignore -> while it "
        "cannot be called, these requests are refused in the whole cluster"
    ]


def test_configurations_that_cannot_be_seen_are_not_called_missing() -> None:
    assert troubles("webhooks", mutating=FORBIDDEN, validating=registered()["validating"]) == [
        "warn: the mutating webhook configurations could not be looked at: 403 Forbidden: you cannot -> "
        "ask as somebody who may, for instance a cluster admin"
    ]


def test_no_configuration_at_all() -> None:
    assert len(troubles("webhooks", mutating=Reply({"items": []}), validating=Reply({"items": []}))) == 3
