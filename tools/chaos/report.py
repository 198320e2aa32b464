"""What a campaign has found: figures beside their targets, as one table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

_MARKS = {True: "ok", False: "MISSED"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `target` is empty for what is only told.

    `speed` marks what depends on the machine: the tests, which share theirs, do not judge it.
    """

    what: str
    measured: str
    target: str = ""
    kept: bool = True
    speed: bool = False


@dataclass(slots=True)
class Report:
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person needs to see why a target was missed."""

    def tell(self, what: str, measured: str) -> None:
        self.rows.append(Row(what, measured))

    def check(self, what: str, measured: str, target: str, *, kept: bool, speed: bool = False) -> None:
        self.rows.append(Row(what, measured, target, kept, speed))

    @property
    def kept(self) -> bool:
        return all(row.kept for row in self.rows)

    def __str__(self) -> str:
        widths = [
            max((len(text) for text in column), default=0) for column in zip(*self._cells(), strict=True)
        ]
        lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in self._cells()]
        return "\n".join([self.title, *lines, *self.notes])

    def _cells(self) -> list[tuple[str, str, str, str]]:
        return [
            (row.what, row.measured, row.target, _MARKS[row.kept] if row.target else "") for row in self.rows
        ]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed; 0 when there are none."""
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def spread(seconds: Sequence[float]) -> str:
    """Median, 99th percentile and most, in milliseconds."""
    middle, most = percentile(seconds, 0.5), max(seconds, default=0.0)
    return f"p50 {middle * 1e3:.1f}, p99 {percentile(seconds, 0.99) * 1e3:.1f}, most {most * 1e3:.0f} ms"
