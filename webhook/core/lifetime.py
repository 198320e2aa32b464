"""Lifetimes such as `30s`, `5m`, `1h` and `7d`: whole numbers with one unit, nothing else."""

import re
from functools import lru_cache

from webhook.core.errors import NsProvisionerError

_LIFETIME = re.compile(r"([1-9][0-9]{0,8})([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

LIMIT_SECONDS = 3650 * _UNITS["d"]
"""Ten years: whoever means longer means for ever, and leaves the lifetime out."""

DAY_SECONDS = _UNITS["d"]

GRAMMAR = "a number and one of s, m, h, d, up to 3650d"


class InvalidLifetimeError(NsProvisionerError):
    """Text that is no lifetime."""


@lru_cache(1024)  # the same few are read of thousands of namespaces, again and again
def parse(text: str) -> int:
    """Seconds, at least 1. Raises InvalidLifetimeError."""
    match = _LIFETIME.fullmatch(text)
    seconds = int(match.group(1)) * _UNITS[match.group(2)] if match else 0
    if not 0 < seconds <= LIMIT_SECONDS:
        raise InvalidLifetimeError(f"must be {GRAMMAR}")
    return seconds
