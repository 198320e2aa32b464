"""YAML text of people's files: read safely, strictly, and without running out of memory or stack."""

import re
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


_AMBIGUOUS = re.compile(
    r"[yYnN]"
    r"|[-+]?0[bBoOxX][0-9a-fA-F_]+"
    r"|[-+]?([0-9][0-9_]*[.]?[0-9_]*|[.][0-9_]+)([eE][-+]?[0-9]+)?"
)
"""Bare words that are text here, and true, false or a number elsewhere: YAML 1.1 and 1.2, and the libraries
for each, differ. Helm, which makes policies and rights of the same file, is one that does."""

_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"


class _Loader(_BaseLoader):  # type: ignore[misc] # the C loader has no types
    """Refuses what would be lost without a word, or read differently by others.

    That is a key that stands twice in one mapping, a merge key, and a bare word that may be a number.
    """

    def construct_document(self, node: yaml.Node) -> Any:
        _check_words(node)
        return super().construct_document(node)

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


def _check_words(root: yaml.Node) -> None:
    """Each node once, however often aliases name it."""
    seen, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif node.tag == _MERGE:
            raise _refusal(
                "'<<' means different things to different programs: write out what it is for", node
            )
        elif isinstance(node, yaml.ScalarNode) and _is_ambiguous(node):
            said = f"{node.value[:63]!r} is a number, true or false to other programs: put it in quotes"
            raise _refusal(said, node)


def _is_ambiguous(node: yaml.ScalarNode) -> bool:
    return node.tag == _TEXT and not node.style and _AMBIGUOUS.fullmatch(node.value) is not None


def _refusal(detail: str, node: yaml.Node) -> InvalidYamlError:
    return InvalidYamlError(f"line {node.start_mark.line + 1}", detail)


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
