"""Manifests as YAML text that every reader takes for what it says, and that is the same each time."""

from collections.abc import Iterable
from typing import Any

import yaml

from webhook.core.model import Manifest

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Writes what it is given, in its order, and every repetition in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # lists stand under their key


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """In quotes where the library leaves them out and other readers see a truth value or a number."""
    plain = len(text) > 1 and text[0].isalpha()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _list(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    """Words stand in one line."""
    words = all(isinstance(item, str) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=words)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def dump(manifests: Iterable[Manifest]) -> str:
    """One document for each."""
    return "".join(
        yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=_WIDTH, explicit_start=True)
        for manifest in manifests
    )
