"""Charts for a paper: points, intervals, lines and bands over two axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from reports.analyses.figure import Chart, Series
from reports.render import palette
from reports.render.paper.labels import numbered, place_labels
from reports.render.paper.layout import lay_out
from reports.render.paper.legend import columns_of, height_of, key_of, look, named, stroke
from reports.render.paper.style import COLUMN, PAGE, decimals_of, log_ticks, number, short

_PITCH, _TALLEST = 0.19, 8.4  # inches: from row to row, and what a page holds
_HEIGHTS = (2.1, 3.0, 4.2, 6.0)  # inches: of a plot without rows, from the usual one up
_WIDE_NAMES, _MANY = 18, 12  # characters of a row's name and numbers of points that are too many for a column
_STEPS = (1, 2, 5, 10)  # between ticks, times a power of ten: as on the page


def draw(chart: Chart) -> Drawing:
    """The chart, laid out, with names beside its points.

    Where a name finds no room there, all points carry numbers and their names stand below; the picture grows until
    every number has found a place.
    """
    drawing, complete = _drawn(chart)
    if complete:
        return drawing
    chart, names = numbered(chart)
    for height in _HEIGHTS:
        drawing, complete = _drawn(chart, names, height)
        if complete:
            break
    return drawing


def _drawn(chart: Chart, numbers: Sequence[str] = (), height: float = _HEIGHTS[0]) -> tuple[Drawing, bool]:
    """The chart, and whether every label of a point has a place.

    `numbers` are what labels from 1 stand for, `height` is that of the plot in inches where it has no rows.
    """
    names = [short(each, 34, lines=2) for each in chart.rows]
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    width = PAGE if longest > _WIDE_NAMES or len(numbers) > _MANY else COLUMN
    key, below = key_of(chart), named(numbers)
    columns, columns_below = columns_of(key, width), columns_of(below, width, beside=0.2)
    keys = height_of(key, columns) + height_of(below, columns_below)
    height = keys + (_rows_height(names) if names else min(height, _TALLEST - keys))
    drawing = Drawing(figsize=(width, height), layout="constrained")
    axes = drawing.add_subplot()
    for at, series in enumerate(chart.series):
        _series(axes, chart, at, series)
    _references(axes, chart)
    _across(axes, chart)
    if names:
        _down(axes, names)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
        _numbers(axes, "y")
        axes.set_ylabel(short(chart.y_label, 34, lines=2))
    axes.set_xlabel(short(chart.x_title, 54 if width == COLUMN else 110, lines=2))
    if key:
        drawing.legend(handles=key, loc="outside upper center" if below else "outside lower center", ncols=columns,
                       handlelength=2.4, columnspacing=1.2)  # fmt: skip
    if below:
        drawing.legend(handles=below, loc="outside lower center", ncols=columns_below, handlelength=0, handletextpad=0,
                       columnspacing=1.2, labelspacing=0.3)  # fmt: skip
    lay_out(drawing)
    return drawing, place_labels(axes, chart)


def _rows_height(names: list[str]) -> float:
    lines = sum(1 + 0.6 * name.count("\n") for name in names)
    return min(0.55 + _PITCH * max(lines, 2), _TALLEST)


def _series(axes: Axes, chart: Chart, at: int, series: Series) -> None:
    colour, marker, dashes = look(at, series)
    shift = _shift(chart, at)
    x, y = [point.x for point in series.points], [point.y + shift for point in series.points]
    if series.bars:
        axes.barh(y, x, height=0.6, color=colour, linewidth=0)
        return
    if line := series.line():
        across, along = zip(*((a, b + shift) for a, b in line), strict=True)
        (joining,) = axes.plot(across, along, color=colour, zorder=3, linewidth=stroke(series))
        if dashes:
            joining.set_dashes(dashes)
    up = [(p.x, p.low, p.high) for p in series.points if p.low is not None and p.high is not None]
    if series.band:
        at_x, lows, highs = ([each[end] for each in up] for end in range(3))
        axes.fill_between(at_x, lows, highs, color=colour, alpha=0.13, linewidth=0, zorder=1)
    else:
        axes.add_collection(LineCollection([[(a, b), (a, c)] for a, b, c in up], colors=colour, linewidths=0.8))
    beside = [(p.y + shift, p.x_low, p.x_high) for p in series.points if p.x_low is not None and p.x_high is not None]
    axes.add_collection(LineCollection([[(b, a), (c, a)] for a, b, c in beside], colors=colour, linewidths=0.8))
    every = max(1, math.ceil(len(x) / 12)) if series.joined and series.band else 1
    for filled in (True, False):
        chosen = [(a, b) for a, b, point in zip(x, y, series.points, strict=True) if point.filled is filled]
        if chosen:
            axes.plot(*zip(*chosen, strict=True), linestyle="none", marker=marker, markeredgecolor=colour,
                      markerfacecolor=colour if filled else "white", markeredgewidth=0.9, markevery=every,
                      zorder=4)  # fmt: skip


def _shift(chart: Chart, at: int) -> float:
    """Rows with several series hold them under each other, but what is marked on a bar lies on it."""
    return (at - (len(chart.series) - 1) / 2) * 0.28 if chart.rows and not chart.barred else 0.0


def _references(axes: Axes, chart: Chart) -> None:
    if chart.margin:
        axes.axvspan(-chart.margin, chart.margin, color=palette.BAND, linewidth=0, zorder=0)
    if chart.zero:
        axes.axvline(0, color=palette.REFERENCE, linewidth=0.8, zorder=1)


def _across(axes: Axes, chart: Chart) -> None:
    low, high = _limits(chart)
    if chart.x_log:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xlim(low, high)
    if chart.x_ticks:
        axes.set_xticks(chart.x_ticks)
    elif chart.x_log:
        axes.set_xticks(log_ticks(low, high))
    else:
        whole = all(point.x == int(point.x) for point in chart.points)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole, steps=_STEPS))
    _numbers(axes, "x")


def _numbers(axes: Axes, which: str) -> None:
    """Ticks as fixed labels: matplotlib's own formatters print powers and offsets."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    ticks = [float(tick) for tick in axis.get_majorticklocs() if low <= tick <= high]
    decimals = decimals_of(ticks)
    axis.set_ticks(ticks, [number(tick, decimals) for tick in ticks])
    axes.set_xlim(low, high) if which == "x" else axes.set_ylim(low, high)


def _limits(chart: Chart) -> tuple[float, float]:
    """Room for every point and interval; on a logarithmic scale an interval may leave it to the left."""
    ends = [each for p in chart.points for each in (p.x, p.x_low, p.x_high) if each is not None]
    ends += [0.0] if chart.zero or chart.barred else []
    ends += [-chart.margin, chart.margin] if chart.margin else []
    if chart.x_log:
        smallest = min(p.x for p in chart.points)
        kept = [each for each in ends if each > smallest / 10]
        return min(kept) / 1.12, max(kept) * 1.12
    low, high = min(ends), max(ends)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return (0.0 if chart.barred else low - room), high + room


def _down(axes: Axes, names: list[str]) -> None:
    every = max(1, math.ceil(len(names) * 0.11 / _TALLEST))  # names that would print over each other are left out
    axes.set_yticks(range(0, len(names), every), names[::every])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
