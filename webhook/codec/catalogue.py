"""The text of a tier catalogue: YAML to Policy."""

from typing import Any

import yaml

from webhook.core import policy
from webhook.core.errors import InvalidPolicyError, Problem

DEPTH_LIMIT = 20
"""Levels of nesting; a catalogue needs five, and the YAML library crashes on very many."""

_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> policy.Policy:
    """Validate the text of a catalogue. Raises InvalidPolicyError."""
    try:
        _check_depth(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "(file)"
        detail = getattr(error, "problem", None) or "cannot be parsed"
        raise InvalidPolicyError([Problem(place, f"is not YAML: {detail}")]) from error
    except ValueError as error:
        raise InvalidPolicyError(
            [Problem("(file)", f"holds a value that cannot be read: {error}")]
        ) from error
    return policy.parse(document)


class _Loader(_BaseLoader):  # type: ignore[misc] # the C loader has no types
    """Refuses a key that stands twice in one mapping: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused by the library, which wants a key that can be hashed
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {str(key.value)[:63]!r} stands here twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        constructed: dict[Any, Any] = super().construct_mapping(node, deep)
        return constructed


def _check_depth(text: str) -> None:
    """Walk the events, which needs no recursion, before anything is built from them."""
    depth = 0
    for event in yaml.parse(text, Loader=_BaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {DEPTH_LIMIT} levels",
                problem_mark=event.start_mark,  # type: ignore[arg-type] # the C mark will do
            )
