"""Reads the tier catalogue from its file."""

from importlib import resources
from pathlib import Path

from webhook.codec import catalogue
from webhook.core.errors import InvalidPolicyError, Problem
from webhook.core.policy import Policy


def load(path: Path | None) -> Policy:
    """Read and validate the catalogue at `path`, or the built-in one for None.

    Raises InvalidPolicyError with every problem found; a file that cannot be read is one, too.
    """
    if path is None:
        return catalogue.parse(
            resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
        )
    try:
        return catalogue.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        problems = [Problem("(file)", f"cannot be read: {reason}")]
        raise InvalidPolicyError(problems, source=str(path)) from error
    except InvalidPolicyError as error:
        raise InvalidPolicyError(error.problems, source=str(path)) from error
