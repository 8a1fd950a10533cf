"""Names beside points where there is room for them, or numbers in their place."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from reports.analyses.figure import Chart
from reports.render.labels import Box, Label, Line, find_places
from reports.render.palette import REFERENCE
from reports.render.paper.style import short

_MARK, _GAP = 2.6, 4.5
"""Radius of a mark and distance of a name from its point, in points (1/72 inch)."""


def numbered(chart: Chart) -> tuple[Chart, list[str]]:
    """The chart with numbers from 1 in place of its labels, from left to right, and what they stand for."""
    named = sorted((point for point in chart.points if point.label), key=lambda point: (point.x, point.y))
    numbers = {id(point): str(at) for at, point in enumerate(named, 1)}
    series = tuple(
        replace(each, points=tuple(replace(point, label=numbers.get(id(point), "")) for point in each.points))
        for each in chart.series
    )
    return replace(chart, series=series), [point.label for point in named]


def place_labels(axes: Axes, chart: Chart) -> bool:
    """Print the labels of points inside the axes, over no mark, interval, line or other label.

    A label without such a place is left out; the answer is whether every one has a place.
    """
    points = chart.points
    named = [point for point in points if point.label]
    if not named:
        return True
    renderer = FigureCanvasAgg(axes.figure).get_renderer()  # type: ignore[arg-type]
    inside = axes.get_window_extent(renderer)
    pixels = axes.figure.dpi / 72
    spots = axes.transData.transform(np.array([(point.x, point.y) for point in points])).tolist()
    places = {id(point): (float(x), float(y)) for point, (x, y) in zip(points, spots, strict=True)}
    texts, labels = [], []
    for point in named:
        text = axes.annotate(short(point.label, 28, lines=2), (point.x, point.y), (0, 0), textcoords="offset points",
                             linespacing=0.95, zorder=5, horizontalalignment="center",
                             verticalalignment="center")  # fmt: skip
        texts.append(text)
        extent = text.get_window_extent(renderer)
        labels.append(Label(*places[id(point)], extent.width, extent.height))
    whole = Box(inside.x0, inside.y0, inside.x1, inside.y1)
    found = find_places(labels, list(places.values()), _lines(axes, chart), whole, _MARK * pixels, _GAP * pixels)
    for text, label, placed in zip(texts, labels, found, strict=True):
        if placed is None:
            text.remove()
            continue
        box = placed.box
        x, y = (box.left + box.right) / 2 - label.x, (box.top + box.bottom) / 2 - label.y
        text.set_position((x / pixels, y / pixels))
        if placed.leader:
            ends = axes.transData.inverted().transform(np.array(placed.leader))
            axes.plot(ends[:, 0], ends[:, 1], color=REFERENCE, linewidth=0.5, zorder=2, scalex=False, scaley=False)
    return None not in found


def _lines(axes: Axes, chart: Chart) -> list[Line]:
    """Intervals and joining lines, in pixels."""
    spans = []
    for series in chart.series:
        for p in series.points:
            if p.low is not None and p.high is not None:
                spans.append((p.x, p.low, p.x, p.high))
            if p.x_low is not None and p.x_high is not None:
                spans.append((max(p.x_low, axes.get_xlim()[0]), p.y, p.x_high, p.y))
        spans += [(*one, *other) for one, other in pairwise(series.line())]
    corners = axes.transData.transform(np.array(spans, dtype=float).reshape(-1, 2)).reshape(-1, 2, 2).tolist()
    return [((x, y), (to_x, to_y)) for (x, y), (to_x, to_y) in corners]
