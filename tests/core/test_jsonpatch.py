"""Patches do what they should in the hands of an independent RFC 6902 implementation."""

import copy
from collections.abc import Mapping
from typing import Any

import jsonpatch as independent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.core import jsonpatch
from webhook.core.model import Additions

keys = st.text(max_size=12) | st.text("~/01ab", min_size=1, max_size=8)
maps = st.dictionaries(keys, st.text(max_size=5), max_size=4)
parents = st.none() | maps | st.just("absent")
"""A map, a null, or no such field."""


def _applied(metadata: dict[str, Any], additions: Additions) -> dict[str, Any]:
    before = {"metadata": metadata}
    operations = jsonpatch.operations(
        additions,
        has_labels=metadata.get("labels") is not None,
        has_annotations=metadata.get("annotations") is not None,
    )
    after: dict[str, Any] = independent.JsonPatch(operations).apply(copy.deepcopy(before))["metadata"]
    return after


def _merged(metadata: Mapping[str, Any], field: str, added: Mapping[str, str]) -> object:
    return {**(metadata.get(field) or {}), **added} if added else metadata.get(field)


@settings(deadline=None)
@given(parents, parents, maps, maps)
def test_every_key_arrives_and_nothing_else_changes(
    labels: Any, annotations: Any, more_labels: dict[str, str], more_annotations: dict[str, str]
) -> None:
    fields = {"name": "payments", "labels": labels, "annotations": annotations}
    metadata = {field: value for field, value in fields.items() if value != "absent"}
    after = _applied(metadata, Additions(more_labels, more_annotations))
    assert after.get("labels") == _merged(metadata, "labels", more_labels)
    assert after.get("annotations") == _merged(metadata, "annotations", more_annotations)
    assert after["name"] == "payments"


@pytest.mark.parametrize(
    ("key", "token"),
    [
        pytest.param("plain", "plain", id="a plain key stays as it is"),
        pytest.param("platform/tier", "platform~1tier", id="a slash"),
        pytest.param("a~b", "a~0b", id="a tilde"),
        pytest.param("~1", "~01", id="a tilde before a one does not become a slash"),
        pytest.param("größe", "größe", id="other letters stay as they are"),
    ],
)
def test_keys_are_escaped(key: str, token: str) -> None:
    assert jsonpatch.escape(key) == token


def test_a_map_that_is_there_gets_single_keys() -> None:
    assert jsonpatch.operations(
        Additions({"platform/tier": "small"}, {"a": "b"}), has_labels=True, has_annotations=True
    ) == [
        {"op": "add", "path": "/metadata/labels/platform~1tier", "value": "small"},
        {"op": "add", "path": "/metadata/annotations/a", "value": "b"},
    ]


def test_a_map_that_is_not_there_is_added_whole() -> None:
    additions = Additions({"platform/tier": "small", "platform/team": "payments"})
    assert jsonpatch.operations(additions, has_labels=False, has_annotations=False) == [
        {"op": "add", "path": "/metadata/labels", "value": dict(additions.labels)}
    ]


def test_nothing_to_add_is_no_operation() -> None:
    assert jsonpatch.operations(Additions(), has_labels=False, has_annotations=False) == []
