"""What JSON leaves open is refused: where two readers may differ, an attacker chooses between them."""

import json
import math
from collections.abc import Sequence
from typing import NoReturn

QUOTES_LIMIT = 1_200_000
"""Quotation marks in a text: four for each entry of a map, which takes some 100 bytes once it is read.
Two namespaces, each full of the smallest annotations that fit, have fewer."""

VALUES_LIMIT = 100_000
"""Values in a text that has to be checked; a review as a person writes it has hundreds."""

_DIGITS_LIMIT = 19
"""Digits of a whole number: Kubernetes has none beyond 64 bits."""


class AmbiguousError(ValueError):
    """The text can be read in more than one way, or is too large to find out."""


def bound(text: bytes) -> None:
    """Refuse what would become far larger once it is read. Raises AmbiguousError."""
    if len(text) > QUOTES_LIMIT and text.count(b'"') > QUOTES_LIMIT:
        raise AmbiguousError(f"it has more than {QUOTES_LIMIT} quotation marks")


def check(text: bytes) -> None:
    """Read a whole JSON text and refuse repeated names, and numbers that not everybody can hold.

    Raises AmbiguousError, or ValueError or RecursionError where it is no JSON at all.
    """
    if text.count(b",") + text.count(b"[") + text.count(b"{") > VALUES_LIMIT:
        raise AmbiguousError(f"it has more than {VALUES_LIMIT} values")
    json.loads(
        text.decode(),
        object_pairs_hook=_distinct,
        parse_constant=_no_number,
        parse_float=_finite,
        parse_int=_short,
    )


def _distinct(pairs: Sequence[tuple[str, object]]) -> None:
    """Gives nothing back: what has been checked need not be kept."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise AmbiguousError("a name is given twice")


def _no_number(name: str) -> NoReturn:
    raise AmbiguousError(f"{name} is no number")


def _finite(digits: str) -> None:
    if not math.isfinite(float(digits)):
        raise AmbiguousError("a number is too large")


def _short(digits: str) -> None:
    if len(digits.lstrip("-")) > _DIGITS_LIMIT:
        raise AmbiguousError("a number is too large")
