"""The tier catalogue file: YAML to Policy."""

from importlib import resources
from pathlib import Path

import yaml

from webhook.core import policy
from webhook.core.errors import InvalidPolicyError, Problem


def load(path: Path | None) -> policy.Policy:
    """Read and validate the catalogue at `path`, or the built-in one for None.

    Raises InvalidPolicyError with every problem found; a file that cannot be read is one, too.
    """
    if path is None:
        return parse(resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8"))
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InvalidPolicyError([Problem("(file)", f"cannot be read: {reason}")]) from error


def parse(text: str) -> policy.Policy:
    """Validate the text of a catalogue. Raises InvalidPolicyError."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "(file)"
        detail = getattr(error, "problem", None) or "cannot be parsed"
        raise InvalidPolicyError([Problem(place, f"is not YAML: {detail}")]) from error
    return policy.parse(document)
