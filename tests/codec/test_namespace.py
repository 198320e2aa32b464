"""Namespace manifests and the Provisioned condition."""

from typing import Any

import pytest

from webhook.codec import namespace
from webhook.core import labels
from webhook.core.model import Condition, ConditionStatus, NamespaceState

READY = Condition(ConditionStatus.TRUE, "Complete", "6 objects of tier small", "2026-01-02T03:04:05Z")


def test_a_manifest_says_what_its_state_says() -> None:
    content = NamespaceState({"a": "b"}, {"c": "d"})
    made = namespace.manifest("payments", content)
    metadata = {"name": "payments", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert made == {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    assert namespace.state(made) == content


def test_empty_maps_are_left_out() -> None:
    assert namespace.manifest("payments", NamespaceState())["metadata"] == {"name": "payments"}


@pytest.mark.parametrize("metadata", [{}, {"labels": None, "annotations": None}], ids=["absent", "null"])
def test_no_maps_are_empty_maps(metadata: dict[str, Any]) -> None:
    assert namespace.state({"metadata": metadata}) == NamespaceState()


def test_the_condition_is_read_back_as_it_was_written() -> None:
    written = namespace.status_patch("payments", READY, since="2026-01-02T03:04:05Z")
    assert written == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "payments"},
        "status": {
            "conditions": [
                {
                    "type": "Provisioned",
                    "status": "True",
                    "reason": "Complete",
                    "message": "6 objects of tier small",
                    "lastTransitionTime": "2026-01-02T03:04:05Z",
                }
            ]
        },
    }
    read = namespace.provisioned(written)
    assert read == READY
    assert read is not None
    assert read.since == READY.since


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param({}, id="no status"),
        pytest.param({"status": None}, id="a null status"),
        pytest.param({"status": {"phase": "Active"}}, id="no conditions"),
        pytest.param({"status": {"conditions": None}}, id="null conditions"),
        pytest.param(
            {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, id="other conditions"
        ),
    ],
)
def test_no_condition(manifest: dict[str, Any]) -> None:
    assert namespace.provisioned(manifest) is None


def test_a_condition_among_others() -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Provisioned", "status": "Unknown"}]
    found = namespace.provisioned({"status": {"conditions": conditions}})
    assert found == Condition(ConditionStatus.UNKNOWN, "", "")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({labels.TEAM: "pay", labels.TIER: "small"}, ("a", "pay", "small"), id="both"),
        pytest.param({labels.TIER: "small"}, ("a", "", "small"), id="no team"),
        pytest.param(None, ("a", "", ""), id="no labels"),
    ],
)
def test_a_namespace_is_known_by_name_team_and_tier(
    given: dict[str, str] | None, found: tuple[str, str, str]
) -> None:
    assert namespace.identity({"metadata": {"name": "a", "labels": given}}) == found
