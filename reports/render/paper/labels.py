"""Names beside points, where there is room for them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from reports.analyses.figure import Chart
from reports.render.paper.style import short

_PLACES = (
    (5, 0, "left", "center"), (-5, 0, "right", "center"), (0, 5, "center", "bottom"), (0, -5, "center", "top"),
    (4, 4, "left", "bottom"), (-4, 4, "right", "bottom"), (4, -4, "left", "top"), (-4, -4, "right", "top"),
)  # fmt: skip
"""Offsets in points, tried in this order, with the alignment that goes with each."""

_ALONG = 25
"""Dots that stand for a joining line when room for a label is looked for."""


def place_labels(axes: Axes, chart: Chart) -> None:
    """Print the labels of points inside the axes, over no other label and as few points and intervals as possible.

    A label without such a place is left out: what it names is in the table beside the figure.
    """
    points = [point for series in chart.series for point in series.points]
    if not any(point.label for point in points):
        return
    renderer = FigureCanvasAgg(axes.figure).get_renderer()  # type: ignore[arg-type]
    inside, taken = axes.get_window_extent(renderer), _boxes(axes, chart)
    labels: list[Bbox] = []
    for point in points:
        if not point.label:
            continue
        text = axes.annotate(short(point.label, 28, lines=2), (point.x, point.y), (0, 0), textcoords="offset points",
                             linespacing=0.95, zorder=5)  # fmt: skip
        found = []
        for at, (dx, dy, horizontal, vertical) in enumerate(_PLACES):
            text.set(position=(dx, dy), horizontalalignment=horizontal, verticalalignment=vertical)
            box = text.get_window_extent(renderer)
            whole = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if whole and not any(box.overlaps(other) for other in labels):
                found.append((_crossed(box, taken), at, box))
        if not found:
            text.remove()
            continue
        _, at, box = min(found, key=lambda each: each[:2])
        dx, dy, horizontal, vertical = _PLACES[at]
        text.set(position=(dx, dy), horizontalalignment=horizontal, verticalalignment=vertical)
        labels.append(box)


def _boxes(axes: Axes, chart: Chart) -> np.ndarray:
    """What points, intervals and joining lines take up, in pixels: `[boxes, (x0, y0, x1, y1)]`."""
    spans, joints = [], []
    for series in chart.series:
        for p in series.points:
            spans.append((p.x, p.y, p.x, p.y))
            if p.low is not None and p.high is not None:
                spans.append((p.x, p.low, p.x, p.high))
            if p.x_low is not None and p.x_high is not None:
                spans.append((max(p.x_low, axes.get_xlim()[0]), p.y, p.x_high, p.y))
        joints += list(pairwise((p.x, p.y) for p in series.points)) if series.joined else []
    corners = axes.transData.transform(np.array(spans, dtype=float).reshape(-1, 2)).reshape(-1, 4)
    ends = axes.transData.transform(np.array(joints, dtype=float).reshape(-1, 2)).reshape(-1, 2, 2)
    along = np.linspace(0, 1, _ALONG)[:, None, None]
    dots = ((1 - along) * ends[:, 0] + along * ends[:, 1]).reshape(-1, 2)
    return np.vstack([corners, np.hstack([dots, dots])]) + np.array([-2.0, -2.0, 2.0, 2.0])


def _crossed(box: Bbox, taken: np.ndarray) -> int:
    apart = (taken[:, 0] > box.x1) | (taken[:, 2] < box.x0) | (taken[:, 1] > box.y1) | (taken[:, 3] < box.y0)
    return int((~apart).sum())
