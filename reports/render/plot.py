"""Geometry of the dot-and-interval plots: all rows of a table share one scale, which its header labels."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analyses.card import Dot, Table
from reports.render.scale import Scale

WIDTH, HEIGHT = 180, 26
_PAD = 12


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
    """The plots of a table: zero line, margin band (x, width) or None, a mark or None for every row, and the ticks."""

    zero: float
    band: tuple[float, float] | None
    marks: tuple[Mark | None, ...]
    ticks: tuple[tuple[float, str], ...]


def plot_of(table: Table) -> Plot | None:
    """The plots beside the rows of a table, in percentage points; None when no row has an interval."""
    dots = [dot for dot in table.dots if dot]
    if not dots:
        return None
    reach = max(table.margin or 0.0, *(max(abs(dot.low), abs(dot.high)) for dot in dots)) or 0.01
    low = min(-0.15 * reach, -(table.margin or 0.0), *(dot.low for dot in dots))
    high = max(0.15 * reach, table.margin or 0.0, *(dot.high for dot in dots))
    scale = Scale(100 * low, 100 * high, WIDTH - 2 * _PAD)

    def x(value: float) -> float:
        return round(_PAD + scale(100 * value), 2)

    def mark(dot: Dot) -> Mark:
        return Mark(x(dot.low), x(dot.point), x(dot.high), dot.filled, dot.text)

    band = (x(-table.margin), round(x(table.margin) - x(-table.margin), 2)) if table.margin else None
    marks = tuple(mark(dot) if dot else None for dot in table.dots)
    ticks = tuple((round(_PAD + place, 2), _signed(label)) for place, label in scale.ticks(4))
    return Plot(x(0.0), band, marks, ticks)


def _signed(label: str) -> str:
    return label if label[0] == "\N{MINUS SIGN}" or not any(digit in label for digit in "123456789") else f"+{label}"
