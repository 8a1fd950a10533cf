"""Names beside points, where there is room for them."""

from __future__ import annotations

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


def place_labels(axes: Axes, chart: Chart) -> None:
    """Print the labels of points inside the axes, over no mark, interval, line or other label.

    A label without such a place is left out: what it names is in the table beside the figure.
    """
    points = [point for series in chart.series for point in series.points]
    named = [point for point in points if point.label]
    if not named:
        return
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
