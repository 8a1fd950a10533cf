"""Legends of charts: how series look, and what their marks and numbers stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from reports.analyses.figure import Chart, Series
from reports.render import palette
from reports.render.paper.style import short

_CHARACTER = 0.062  # inches: mean width of one, for what must be known before anything is laid out
_STEPPED = (4.0, 3.0)  # ink and gap of a line in steps, in line widths


def look(at: int, series: Series) -> tuple[str, str, tuple[float, ...]]:
    """Colour, marker and dashes of a series by its place; they begin again where there are more series."""
    kinds = len(palette.SERIES)
    dashes = _STEPPED if series.stepped else palette.DASHES[at % kinds]
    return palette.SERIES[at % kinds], palette.MARKERS[at % kinds], dashes


def stroke(series: Series) -> float:
    """Width of a line in points; thin where its upright parts lie on intervals, whose ends are to be seen."""
    return 0.5 if series.stepped else 1.0


def key_of(chart: Chart) -> list[Artist]:
    """What the legend explains: the series where there are several, else rings and the margin where there are any."""
    if len(chart.series) > 1:
        return [_handle(at, series) for at, series in enumerate(chart.series)]
    colour, marker, _ = look(0, chart.series[0])
    rings = any(not point.filled for point in chart.points)
    found: list[Artist] = []
    for label, face in (("decided", colour), ("not decided", "white")) if rings else ():
        found.append(Line2D([], [], linestyle="none", marker=marker, markeredgecolor=colour, markerfacecolor=face,
                            label=label))  # fmt: skip
    return [*found, Patch(facecolor=palette.BAND, label="margin")] if chart.margin else found


def _handle(at: int, series: Series) -> Artist:
    colour, marker, dashes = look(at, series)
    if series.bars:
        return Patch(facecolor=colour, label=short(series.name, 48, lines=2))
    filled = any(point.filled for point in series.points)
    return Line2D([], [], color=colour, marker=marker, markerfacecolor=colour if filled else "white",
                  linestyle=((0, dashes) if dashes else "-") if series.joined else "none", linewidth=stroke(series),
                  label=short(series.name, 48, lines=2))  # fmt: skip


def named(numbers: Sequence[str]) -> list[Artist]:
    """What numbers beside points stand for."""
    texts = (f"{at}: {short(name, 48, lines=2)}" for at, name in enumerate(numbers, 1))
    return [Line2D([], [], linestyle="none", label=each) for each in texts]


def columns_of(key: list[Artist], width: float, beside: float = 0.45) -> int:
    """How many columns of a legend fit; each needs `beside` inches for its mark and the gap to the next one."""
    longest = max((len(line) for handle in key for line in str(handle.get_label()).split("\n")), default=0)
    return max(1, min(len(key), int(width / (_CHARACTER * longest + beside))))


def height_of(key: list[Artist], columns: int) -> float:
    """How high a legend is, in inches."""
    second_lines = sum(str(handle.get_label()).count("\n") for handle in key)
    return 0.16 * math.ceil(len(key) / columns) + 0.1 * math.ceil(second_lines / columns)
