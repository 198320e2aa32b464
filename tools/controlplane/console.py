"""Progress on stderr, so that stdout stays free for answers; colour only on a terminal."""

import os
import sys


def say(text: str) -> None:
    _write(text, "2")


def done(text: str) -> None:
    _write(text, "32")


def error(text: str) -> None:
    _write(f"error: {text}", "31")


def _write(text: str, colour: str) -> None:
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        text = f"\x1b[{colour}m{text}\x1b[0m"
    print(text, file=sys.stderr, flush=True)
