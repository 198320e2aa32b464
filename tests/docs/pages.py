"""What a page says in code and where it points to, for tests that hold it against the product."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FOLDERS = "tests|docs|charts|webhook|tools|certs|examples|benchmarks"
_PATH = re.compile(rf"(?<![\w./-])(?:{_FOLDERS})/[\w./-]*\w")


class Block(NamedTuple):
    language: str
    text: str


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks in a language."""
    return [block.text for block in map(Block._make, _FENCE.findall(text)) if block.language == language]


def code(text: str) -> list[str]:
    """Every fenced block, with lines that go on joined, and every span of code."""
    fenced = [content.replace("\\\n", " ") for _, content in _FENCE.findall(text)]
    return fenced + [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", text))]


def links(text: str) -> list[str]:
    """Targets within the repository."""
    found = _LINK.findall(_FENCE.sub("", text))
    return [target for target in found if not target.startswith(("http:", "https:"))]


def anchors(text: str) -> set[str]:
    """Of the headings, as a forge makes them."""
    plain = (re.sub(r"[`*]", "", heading).lower() for heading in _HEADING.findall(_FENCE.sub("", text)))
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


def files(text: str) -> set[str]:
    """Paths in this repository that stand in code."""
    return {path for each in code(text) for path in _PATH.findall(each)}


def broken_links(page: Path) -> Iterator[str]:
    """Those that lead to no file, or to no heading."""
    text = page.read_text(encoding="utf-8")
    for target in links(text):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            yield target


def documents(text: str) -> list[object]:
    """What the YAML blocks of a page say."""
    return [document for block in blocks(text, "yaml") for document in yaml.safe_load_all(block)]
