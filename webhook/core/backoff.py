"""How long to wait before the next try."""

BASE_SECONDS = 0.005
"""First delay: most conflicts are over within a few milliseconds (client-go's default)."""

LIMIT_SECONDS = 60.0
"""Longest delay: a mended cluster is noticed within a minute."""


def delay(failures: int, jitter: float, *, base: float = BASE_SECONDS, limit: float = LIMIT_SECONDS) -> float:
    """Seconds to wait after `failures` failures in a row (at least 1), doubling up to `limit`.

    `jitter` is a number in [0, 1) that the caller draws; the delay lies between half and the whole
    of the doubled base, so that many failures at once do not come back at once.
    """
    full = min(limit, base * 2.0 ** min(failures - 1, 60))
    return full * (0.5 + jitter / 2)
