"""Reads a Dockerfile: the part of its language that ours uses, and an error for anything else.

The tests build from what is read here, so the file that an engine builds and what is tested are one.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from tools.image.errors import ImageError

KEYWORDS = {"ARG", "COPY", "ENTRYPOINT", "CMD", "ENV", "EXPOSE", "FROM", "LABEL", "RUN", "USER", "WORKDIR"}
_FROM = re.compile(r"(?P<base>\S+)(?: AS (?P<name>\S+))?")


@dataclass(frozen=True, slots=True)
class Instruction:
    keyword: str
    rest: str

    def words(self) -> list[str]:
        return shlex.split(self.rest)

    def form(self) -> list[str]:
        """The argument vector of an exec form. A shell form is an error: there may be no shell."""
        try:
            vector = json.loads(self.rest)
        except ValueError as error:
            raise ImageError(f'{self.keyword} {self.rest}: write it as ["program", "argument"]') from error
        return [str(word) for word in vector]

    def pairs(self, variables: Mapping[str, str]) -> dict[str, str]:
        """NAME=VALUE ... with the variables put in."""
        return dict(expand(word, variables).split("=", 1) for word in self.words())


@dataclass(frozen=True, slots=True)
class Stage:
    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def of(self, keyword: str) -> list[Instruction]:
        return [each for each in self.instructions if each.keyword == keyword]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    arguments: tuple[Instruction, ...]  # those before the first FROM
    stages: tuple[Stage, ...]


def parse(text: str) -> Dockerfile:
    """Raises ImageError for an instruction that is not in KEYWORDS (ADD, SHELL, VOLUME, ...)."""
    before: list[Instruction] = []
    stages: list[tuple[str, str, list[Instruction]]] = []
    for line in _logical_lines(text):
        keyword, _, rest = line.partition(" ")
        if keyword not in KEYWORDS:
            raise ImageError(f"{keyword} is not used here; known: {', '.join(sorted(KEYWORDS))}")
        if keyword == "FROM":
            stages.append((*_stage(rest.strip()), []))
        else:
            (stages[-1][2] if stages else before).append(Instruction(keyword, rest.strip()))
    return Dockerfile(tuple(before), tuple(Stage(base, name, tuple(each)) for base, name, each in stages))


def expand(text: str, variables: Mapping[str, str]) -> str:
    """$NAME and ${NAME}; one that was never declared is an error, where an engine would take it as empty."""
    try:
        return Template(text).substitute(variables)
    except (KeyError, ValueError) as error:
        raise ImageError(f"{text}: {error} is not declared with ARG or ENV before it") from error


def declared(instruction: Instruction, given: Mapping[str, str]) -> dict[str, str]:
    """What an ARG adds: the value that was passed, else its default, else nothing."""
    name, equals, default = instruction.rest.partition("=")
    if name in given:
        return {name: given[name]}
    return {name: default} if equals else {}


def _stage(rest: str) -> tuple[str, str]:
    match = _FROM.fullmatch(rest)
    if not match:
        raise ImageError(f"FROM {rest}: write FROM IMAGE or FROM IMAGE AS NAME")
    return match["base"], match["name"] or ""


def _logical_lines(text: str) -> list[str]:
    """Comments gone (also between continued lines), continued lines joined."""
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [line.strip() for line in re.sub(r"\\\n\s*", "", "\n".join(kept)).splitlines() if line.strip()]
