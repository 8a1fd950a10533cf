"""Figures as plain data: what the page draws with its own SVG and a paper's figure with matplotlib."""

from __future__ import annotations

from dataclasses import dataclass


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
        band: whether the intervals of y are a band around the line rather than a bar at each point.
    """

    name: str
    points: tuple[Point, ...]
    joined: bool = False
    band: bool = False


@dataclass(frozen=True)
class Chart:
    """Points, lines and intervals over two axes.

    Attributes:
        x_label, y_label: of the axes, with their units.
        series: what is drawn.
        x_log: whether x is drawn on a logarithmic scale.
        rows: names of y = 0, 1, 2 ... from the top, where y counts rows rather than measures anything.
        zero: whether x = 0 is a reference that gets a line.
        margin: half-width in x of the band of no interest around zero, or None.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_log: bool = False
    rows: tuple[str, ...] = ()
    zero: bool = False
    margin: float | None = None


@dataclass(frozen=True)
class HeatMap:
    """Values of two crossed axes.

    Attributes:
        x_label, y_label: names of the axes.
        columns, rows: names of their levels.
        values: a row of numbers for every row; None where there is none.
        texts: what is printed in each cell, as `values`.
        value_label: what the values are, with their unit.
    """

    x_label: str
    y_label: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    value_label: str


Figure = Chart | HeatMap
