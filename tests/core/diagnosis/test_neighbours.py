"""Webhooks of others that see what we see."""

from typing import Any

import pytest

from tests.core.diagnosis.healthy import FORBIDDEN, findings, registered
from webhook.core.diagnosis import neighbours
from webhook.core.diagnosis.model import Reply
from webhook.core.model import Manifest

CAREFUL = "while it cannot be called, no namespace is created: make sure that it is run as carefully as ours"


def rule(*resources: str, group: str = "", operations: tuple[str, ...] = ("CREATE",)) -> Manifest:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": list(operations),
        "resources": list(resources),
    }


def with_other(kind: str, name: str, *rules: Manifest, policy: str = "Fail") -> dict[str, Reply]:
    """Our registration beside one of somebody else's."""
    hook = {"name": f"hook.{name}.io", "failurePolicy": policy, "rules": list(rules)}
    other = {"metadata": {"name": name}, "webhooks": [hook]}
    ours = registered()
    return {**ours, kind: Reply({"items": [*ours[kind].items(), other]})}


def told(*arguments: Any, **keywords: Any) -> list[tuple[str, str, str]]:
    return findings("neighbours", **with_other(*arguments, **keywords))


def test_nobody_else() -> None:
    assert findings("neighbours") == [
        ("ok", "no webhook of others sees namespaces or changes our objects", "")
    ]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([rule("namespaces")], id="by name"),
        pytest.param([rule("*")], id="all resources"),
        pytest.param([rule("*/*")], id="all with their subresources"),
        pytest.param([rule("namespaces", group="*")], id="all groups"),
        pytest.param([rule("pods"), rule("namespaces", operations=("DELETE",))], id="one rule of several"),
        pytest.param([rule("namespaces", operations=("*",))], id="all operations"),
    ],
)
def test_one_that_refuses_namespaces(rules: list[Manifest]) -> None:
    assert told("validating", "acme", *rules) == [
        (
            "warn",
            "the validating configuration acme (hook.acme.io, Fail) sees namespaces, and can refuse them",
            CAREFUL,
        )
    ]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([rule("pods")], id="another resource"),
        pytest.param([rule("namespaces", group="acme.io")], id="another group"),
        pytest.param([rule("*", group="cert-manager.io")], id="all of another group"),
        pytest.param([rule("namespaces", operations=("CONNECT",))], id="another operation"),
        pytest.param([], id="no rules"),
    ],
)
def test_one_that_is_not_in_the_way(rules: list[Manifest]) -> None:
    for kind in ("mutating", "validating"):
        assert told(kind, "acme", *rules) == [
            ("ok", "no webhook of others sees namespaces or changes our objects", "")
        ]


def test_one_that_fails_open_is_only_told_of() -> None:
    assert told("validating", "acme", rule("namespaces"), policy="Ignore") == [
        (
            "ok",
            "the validating configuration acme (hook.acme.io, Ignore) sees namespaces, and can refuse them",
            "",
        )
    ]


def test_one_that_changes_namespaces() -> None:
    assert told("mutating", "acme", rule("namespaces"), policy="Ignore") == [
        (
            "warn",
            "the mutating configuration acme (hook.acme.io, Ignore) sees namespaces, and can change them",
            "make sure that it leaves our labels alone",
        )
    ]


@pytest.mark.parametrize(
    ("group", "resource"),
    [
        pytest.param("", "resourcequotas", id="quotas"),
        pytest.param("", "limitranges", id="limits"),
        pytest.param("networking.k8s.io", "networkpolicies", id="network policies"),
    ],
)
def test_one_that_changes_our_objects(group: str, resource: str) -> None:
    assert told("mutating", "acme", rule(resource, group=group)) == [
        (
            "warn",
            "the mutating configuration acme (hook.acme.io, Fail) may change quotas, limits or "
            "network policies, "
            "which our controller then puts right again",
            "leave those in managed namespaces out of it",
        )
    ]
    assert told("validating", "acme", rule(resource, group=group))[0][0] == "ok"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("capsule-validating-webhook", "capsule", id="Capsule"),
        pytest.param("kyverno-resource-validating-webhook-cfg", "kyverno", id="Kyverno"),
        pytest.param("hnc-validating-webhook-configuration", "hnc", id="HNC"),
        pytest.param("gatekeeper-validating-webhook-configuration", "gatekeeper", id="Gatekeeper"),
        pytest.param("old.ns-provisioner", "ns-provisioner.io", id="a second one of ours"),
    ],
)
def test_those_that_are_known_come_with_advice(name: str, word: str) -> None:
    ((level, _, remedy),) = told("validating", name, rule("namespaces"), policy="Ignore")
    assert (level, remedy) == ("warn", neighbours.KNOWN[word])


def test_what_cannot_be_seen_is_not_called_absent() -> None:
    assert findings("neighbours", mutating=FORBIDDEN) == []
