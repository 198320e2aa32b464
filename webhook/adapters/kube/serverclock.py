"""The API server's clock, read from its answers: what its timestamps have to be compared with."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


class ServerClock:
    """Tells no later time than the server's own: a Date is cut to its second, and its answer took a while."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._text: str | None = None
        self._anchor: tuple[datetime, float] | None = None

    def saw(self, date: str | None) -> None:
        """Take note of the Date header of an answer that has just come; garbage says nothing."""
        if date == self._text:
            return  # the same second again, as on most answers: its first one told more
        self._text = date
        moment = http_date(date)
        if moment is not None:
            self._anchor = moment, self._monotonic()

    def now(self) -> datetime | None:
        """UTC; None before the first answer."""
        if self._anchor is None:
            return None
        moment, since = self._anchor
        return moment + timedelta(seconds=self._monotonic() - since)


def http_date(text: str | None) -> datetime | None:
    """The moment that a Date or Retry-After header names, in UTC; None for anything else."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
