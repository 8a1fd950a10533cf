"""Geometry of the dot-and-interval plots: all rows of a table share one scale."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analyses.card import Dot, Table

WIDTH, HEIGHT = 170, 26
_PAD = 9


@dataclass(frozen=True)
class Mark:
    """Positions of one row's interval in the units of its picture; `text` says the same in words."""

    low: float
    point: float
    high: float
    filled: bool
    text: str


@dataclass(frozen=True)
class Plot:
    """The plots of a table: zero line, margin band (x, width) or None, a mark or None for every row, and the ends."""

    zero: float
    band: tuple[float, float] | None
    marks: tuple[Mark | None, ...]
    ends: tuple[str, str]


def plot_of(table: Table) -> Plot | None:
    """The plots beside the rows of a table; None when no row has an interval."""
    dots = [dot for dot in table.dots if dot]
    if not dots:
        return None
    reach = max(table.margin or 0.0, *(max(abs(dot.low), abs(dot.high)) for dot in dots)) or 0.01
    low = min(-0.15 * reach, -(table.margin or 0.0), *(dot.low for dot in dots))
    high = max(0.15 * reach, table.margin or 0.0, *(dot.high for dot in dots))

    def x(value: float) -> float:
        return round(_PAD + (value - low) / (high - low) * (WIDTH - 2 * _PAD), 2)

    def mark(dot: Dot) -> Mark:
        return Mark(x(dot.low), x(dot.point), x(dot.high), dot.filled, dot.text)

    band = (x(-table.margin), round(x(table.margin) - x(-table.margin), 2)) if table.margin else None
    marks = tuple(mark(dot) if dot else None for dot in table.dots)
    return Plot(x(0.0), band, marks, (f"{low * 100:+.1f}", f"{high * 100:+.1f}"))
