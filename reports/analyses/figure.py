"""Figures as plain data: what the page draws with its own SVG and a paper's figure with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MOST_ROWS = 40
MOST_SERIES = 7
"""Rows and lines that a figure of one page can hold; a card that leaves some out says so in a note."""

_WIDE = 5.0


@dataclass(frozen=True)
class Point:
    """A point with its intervals, in the units of its chart.

    Attributes:
        x, y: where it is.
        low, high: interval of y, or None.
        x_low, x_high: interval of x, or None.
        text: what a reader sees who asks for this point: name, value, interval, n.
        filled: whether the row behind it is decided; drawn as a ring otherwise.
        label: printed beside the point; empty for none.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    x_low: float | None = None
    x_high: float | None = None
    text: str = ""
    filled: bool = True
    label: str = ""


@dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes:
        name: in the legend; a chart with one series has none.
        points: in the order they are joined.
        joined: whether a line joins them.
        stepped: whether that line goes across before it goes up or down, where nothing lies between two points.
        band: whether the intervals of y are a band around the line rather than a bar at each point.
        bars: whether a bar reaches from x = 0 to each point, which then has no mark of its own; only in rows.
    """

    name: str
    points: tuple[Point, ...]
    joined: bool = False
    stepped: bool = False
    band: bool = False
    bars: bool = False

    def line(self) -> list[tuple[float, float]]:
        """Where the line that joins the points turns; empty without one."""
        places = [(point.x, point.y) for point in self.points if math.isfinite(point.x + point.y)]
        if not self.joined or len(places) < 2:
            return []
        if not self.stepped:
            return places
        corners = [((x, y), (to_x, y)) for (x, y), (to_x, _) in pairwise(places)]
        return [*(place for corner in corners for place in corner), places[-1]]


@dataclass(frozen=True)
class Chart:
    """Points, lines and intervals over two axes.

    Attributes:
        x_label, y_label: of the axes, with their units; y_label is empty where y counts rows.
        series: what is drawn.
        caption: one or two sentences that say what is drawn and how to read its marks.
        x_log: whether x is drawn on a logarithmic scale; an interval that reaches to zero or below leaves it.
        rows: names of y = 0, 1, 2 ... from the top, where y counts rows rather than measures anything.
        zero: whether x = 0 is a reference that gets a line.
        margin: half-width in x of the band of no interest around zero, or None.
        x_ticks: where x is labelled; empty where any round numbers will do.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...]
    caption: str
    x_log: bool = False
    rows: tuple[str, ...] = ()
    zero: bool = False
    margin: float | None = None
    x_ticks: tuple[float, ...] = ()

    @property
    def x_title(self) -> str:
        """What stands below x."""
        return f"{self.x_label} (log scale)" if self.x_log else self.x_label

    @property
    def points(self) -> tuple[Point, ...]:
        """Those of all series, in their order."""
        return tuple(point for series in self.series for point in series.points)

    @property
    def barred(self) -> bool:
        """Whether there are bars, which begin at zero."""
        return any(series.bars for series in self.series)


@dataclass(frozen=True)
class HeatMap:
    """Values of two crossed axes.

    Attributes:
        x_label, y_label: names of the axes.
        columns, rows: names of their levels.
        values: a row of numbers for every row; None where there is none.
        texts: what is printed in each cell, as `values`.
        value_label: what the values are, with their unit.
        caption: one or two sentences that say what is drawn and how to read it.
    """

    x_label: str
    y_label: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    value_label: str
    caption: str


Figure = Chart | HeatMap


def known(value: Any, scale: float = 1.0) -> float | None:
    """A number of a frame in the units of a chart; None where there is none."""
    return None if value is None or math.isnan(value) else float(value) * scale


def spread_wide(values: Iterable[float]) -> bool:
    """Whether values are positive and so far apart that a linear scale would crowd the small ones."""
    found = sorted(values)
    return bool(found) and found[0] > 0 and found[-1] > _WIDE * found[0]
