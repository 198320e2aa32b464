"""Commands of `nsp` in a text: whether there is such a verb, and whether it has these options."""

import re
from collections.abc import Iterator

import click

from webhook.cli.app import cli

_COMMAND = re.compile(r"(?<![\w./-])nsp ([a-z].*)")


def wrong(text: str) -> Iterator[str]:
    """Those that are none."""
    for line in text.splitlines():
        for part in re.split(r"[|;]|&&", line):
            for words in map(str.split, _COMMAND.findall(part)):
                if not _is_command(words):
                    yield part.strip()


def _is_command(words: list[str]) -> bool:
    command: click.Command = cli
    while isinstance(command, click.Group) and words:
        name, *words = words
        found = command.get_command(click.Context(command), name)
        if found is None:
            return False
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)} <= known
