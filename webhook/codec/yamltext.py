"""YAML text of people's files: read safely, strictly, and without running out of memory or stack."""

from collections.abc import Iterator
from typing import Any

import yaml

from webhook.core.errors import NsProvisionerError

DEPTH_LIMIT = 20
"""Levels of nesting; the YAML library crashes on very many."""

_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidYamlError(NsProvisionerError):
    """Text that is not YAML, or not the part of it that we read. `place` is a line, or "(file)"."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(f"{place}: {detail}")
        self.place = place
        self.detail = detail


def load(text: str) -> Any:
    """The one document in `text`. Raises InvalidYamlError."""
    documents = list(load_all(text))
    if len(documents) > 1:
        raise InvalidYamlError("(file)", "holds more than one document")
    return documents[0] if documents else None


def load_all(text: str) -> Iterator[Any]:
    """The documents in `text`. Raises InvalidYamlError."""
    try:
        _check_depth(text)
        yield from yaml.load_all(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "(file)"
        detail = getattr(error, "problem", None) or "cannot be parsed"
        raise InvalidYamlError(place, f"is not YAML: {detail}") from error
    except ValueError as error:
        raise InvalidYamlError("(file)", f"holds a value that cannot be read: {error}") from error


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
