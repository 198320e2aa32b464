"""Reads values.yaml with its comments, and makes of it the table of README.md and the schema.

    # -- What the value does.
    # @enum one | two
    name: one

A mapping without a comment has exactly the keys it shows; one with a comment is open to others. Hints:
`@enum`, `@type` (else that of the default), `@pattern`, `@minimum`, `@maximum`; of lists `@items` (their
type) and `@minItems`; of mappings `@values` (their type) and `@keys` (all that there may be, each a text).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_LINE = re.compile(r"( *)([^\s#][^:]*):(?: (.*))?")
_TYPES = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}

_ITEMS: dict[str, dict[str, Any]] = {
    "string": {"type": "string", "minLength": 1},
    "integer": {"type": "integer", "minimum": 1, "maximum": 65535},  # they are all ports
    "object": {"type": "object"},
}

Path = tuple[str, ...]


@dataclass(slots=True)
class Value:
    """One key; `text` is its default as it is written, None for a mapping that goes on below."""

    path: Path
    text: str | None
    description: str
    hints: Mapping[str, str]
    children: list["Value"] = field(default_factory=list)

    @property
    def default(self) -> Any:
        return yaml.safe_load(self.text or "null")


def read(text: str) -> list[Value]:
    """The keys of the top level, each with those below it."""
    roots: list[Value] = []
    ancestors: list[Value] = []
    comments: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comments.append(line.strip().removeprefix("#").removeprefix(" "))
        elif found := _LINE.fullmatch(line):
            ancestors = ancestors[: len(found[1]) // 2]
            path = (*(each.path[-1] for each in ancestors), found[2])
            value = Value(path, found[3], *_told(comments))
            (ancestors[-1].children if ancestors else roots).append(value)
            ancestors.append(value)
            comments = []
        else:
            assert not line.strip(), f"a line that is neither key nor comment: {line}"
            comments = []
    return roots


def leaves(values: Iterable[Value]) -> Iterator[Value]:
    for value in values:
        if value.text is not None:
            yield value
        yield from leaves(value.children)


def table(values: Iterable[Value]) -> str:
    """One row a value, in Markdown."""
    rows = [f"| `{'.'.join(value.path)}` | `{value.text}` | {_row(value)} |\n" for value in leaves(values)]
    return "| value | default | what it does |\n|---|---|---|\n" + "".join(rows)


def schema(values: Iterable[Value]) -> dict[str, Any]:
    """The JSON Schema that Helm holds values against."""
    properties = {value.path[0]: _schema(value) for value in values}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        # A null would take a value away, and with it what it guards.
        "required": list(properties),
        # Helm gives every chart what a chart above it calls global; `enabled` is that chart's condition.
        "properties": {**properties, "global": {"type": "object"}, "enabled": {"type": "boolean"}},
    }


def _told(comments: list[str]) -> tuple[str, dict[str, str]]:
    """Description and hints of the lines above a key."""
    words, hints, begun = [], {}, False
    for comment in comments:
        if comment.startswith("@"):
            name, _, rest = comment[1:].partition(" ")
            hints[name] = rest
        elif comment.startswith("-- ") or begun:
            begun = True
            words.append(comment.removeprefix("-- "))
    return " ".join(words), hints


def _row(value: Value) -> str:
    allowed = value.hints.get("enum", "").replace(" | ", "`, `")
    return value.description.replace("|", "\\|") + (f" One of `{allowed}`." if allowed else "")


def _schema(value: Value) -> dict[str, Any]:
    found: dict[str, Any] = {"description": value.description} if value.description else {}
    if value.text is None:
        found |= {"type": "object"}
        if not value.description:
            found["additionalProperties"] = False
            found["properties"] = {child.path[-1]: _schema(child) for child in value.children}
            found["required"] = list(found["properties"])
        return found | _entries(value)
    found["type"] = _type(value)
    if "enum" in value.hints:
        found["enum"] = value.hints["enum"].split(" | ")
    if "items" in value.hints:
        found["items"] = _ITEMS[value.hints["items"]]
    if "pattern" in value.hints:
        found["pattern"] = value.hints["pattern"]
    numbers = ("minimum", "maximum", "minItems")
    return found | _entries(value) | {name: int(value.hints[name]) for name in numbers if name in value.hints}


def _entries(value: Value) -> dict[str, Any]:
    """What may stand in an open mapping."""
    if "values" in value.hints:
        return {"additionalProperties": {"type": value.hints["values"]}}
    if "keys" not in value.hints:
        return {}
    keys = value.hints["keys"].split(" | ")
    return {"additionalProperties": False, "properties": {key: {"type": "string"} for key in keys}}


def _type(value: Value) -> Any:
    stated = value.hints.get("type", _TYPES[type(value.default)]).split(" | ")
    return stated if len(stated) > 1 else stated[0]
