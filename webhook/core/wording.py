"""Turns violations into the text a person reads. User text is always quoted, escaped and cut."""

import difflib
import json
from collections.abc import Iterable

from webhook.core.model import Decision, Violation

SENT_LIMIT = 63
"""Characters of user text shown: the longest legal label value, so only hostile text is cut."""

LISTED_LIMIT = 30
"""Words of a listing, and lines of a denial."""

WARNING_LIMIT = 120
"""Characters; clients may cut what is longer (kubernetes.io, "Dynamic Admission Control", warnings)."""

ERROR_LIMIT = 120
"""Characters of another library's error that are shown."""

_SHIRT_SIZES = {"xs": "small", "s": "small", "m": "medium", "l": "large", "xl": "large", "xxl": "large"}


def quote(text: str) -> str:
    """User text in ASCII, in double quotes, without control characters, cut to SENT_LIMIT."""
    cut = text if len(text) <= SENT_LIMIT else text[:SENT_LIMIT] + "..."
    return json.dumps(cut)


def cut(error: object) -> str:
    """The text of a library's error, which may hold what was sent, made fit to be shown."""
    text = str(error)
    return "".join(char for char in text[:ERROR_LIMIT] if char.isascii() and char.isprintable())


def listing(items: Iterable[str]) -> str:
    """Words with commas between them; of very many only the first."""
    words = list(items)
    more = [f"and {len(words) - LISTED_LIMIT} more"] if len(words) > LISTED_LIMIT else []
    return ", ".join([*words[:LISTED_LIMIT], *more])


def nearest(sent: str, allowed: Iterable[str]) -> str:
    """The allowed word that was most probably meant; people think in shirt sizes, too."""
    words = list(allowed)
    meant = _SHIRT_SIZES.get(sent.lower())
    if meant in words:
        return str(meant)
    close = difflib.get_close_matches(sent[:SENT_LIMIT].lower(), words, n=1, cutoff=0.0)
    return close[0] if close else ""


def sentence(violation: Violation) -> str:
    """One violation on one line: rule, field, what was sent, what is allowed, the way out."""
    return (
        f"[{violation.rule}] {violation.path}: {violation.sent}; "
        f"allowed: {violation.allowed}; {violation.suggestion}"
    )


def warning(violation: Violation) -> str:
    """A violation that is let pass, short enough for a Warning header."""
    text = f"[{violation.rule}] {violation.path}: {violation.sent}; {violation.suggestion}"
    return text if len(text) <= WARNING_LIMIT else text[: WARNING_LIMIT - 3] + "..."


def denial(decision: Decision) -> str:
    """The message of a denied decision; several violations stand on lines of their own."""
    sentences = [sentence(violation) for violation in decision.violations]
    if len(sentences) == 1:
        return sentences[0]
    shown = sentences[:LISTED_LIMIT]
    more = [f"and {len(sentences) - LISTED_LIMIT} more"] if len(sentences) > LISTED_LIMIT else []
    return f"{len(sentences)} rules are broken:" + "".join(f"\n  {line}" for line in [*shown, *more])
