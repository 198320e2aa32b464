"""The table of figures, each beside its reference and its target."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

_HEADINGS = ("", "ours", "reference", "ratio", "target", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, every cell as it is printed; `met` is None where there is no target."""

    what: str
    ours: str
    reference: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return (self.what, self.ours, self.reference, self.ratio, self.target, verdict)


def show(rows: Iterable[Row]) -> None:
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def spread(values: Sequence[float], form: str, *, unit: str = "", scale: float = 1.0) -> str:
    """Median, least and most, as in `104 us (101-110)`."""
    middle, least, most = (
        format(value * scale, form) for value in (median(values), min(values), max(values))
    )
    return f"{middle}{unit} ({least}-{most})"
