"""Heat maps for a paper: the values of two crossed axes, printed in their cells as well."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from reports.analyses.figure import HeatMap
from reports.render import palette
from reports.render.paper.layout import lay_out
from reports.render.paper.style import COLUMN, PAGE, decimals_of, drawable, number, short

_CELL, _LINE = (0.66, 0.26), 0.062


def draw(heat: HeatMap) -> Drawing:
    """The heat map, laid out."""
    rows = [short(each, 26, lines=2) for each in heat.rows]
    columns = [short(each, 26) for each in heat.columns]
    beside = _LINE * max(len(line) for name in rows for line in name.split("\n"))
    width = min(PAGE, max(COLUMN, beside + 0.9 + _CELL[0] * len(columns)))
    upright = max(map(len, columns)) * _LINE > 0.9 * (width - beside - 0.9) / len(columns)
    below = (_LINE * max(map(len, columns)) if upright else 0.15) + 0.3
    drawing = Drawing(figsize=(width, min(8.4, _CELL[1] * len(rows) + below + 0.2)), layout="constrained")
    axes = drawing.add_subplot()
    values = np.array([[np.nan if each is None else each for each in row] for row in heat.values], dtype=float)
    there = values[~np.isnan(values)]
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 1.0)
    scale = Normalize(low, high if high > low else low + 1.0)
    colours = LinearSegmentedColormap.from_list("ablate", palette.SEQUENTIAL)
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, norm=scale, edgecolors="white", linewidth=0.8)
    size = min(6.5, 72 * (width - beside - 0.9) / len(columns) / 0.62 / max(len(t) for row in heat.texts for t in row))
    for (down, across), value in np.ndenumerate(values):
        if np.isnan(value):
            axes.add_patch(Rectangle((across, down), 1, 1, facecolor=palette.EMPTY, edgecolor="white", hatch="////",
                                     linewidth=0.8))  # fmt: skip
        ink = palette.INK if np.isnan(value) else _ink(colours(scale(value)))
        axes.text(across + 0.5, down + 0.5, drawable(heat.texts[down][across]), color=ink, fontsize=size,
                  horizontalalignment="center", verticalalignment="center")  # fmt: skip
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90 if upright else 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel=short(heat.x_label), ylabel=short(heat.y_label), ylim=(len(rows), 0))
    if high > low:
        bar = drawing.colorbar(mesh, ax=axes, pad=0.02, fraction=0.05, aspect=18)
        ticks = [float(each) for each in bar.get_ticks() if low <= each <= high]
        bar.set_ticks(ticks, labels=[number(each, decimals_of(ticks)) for each in ticks])
        bar.outline.set_visible(False)
        bar.set_label(heat.value_label)
        bar.ax.tick_params(width=0.5)
    lay_out(drawing)
    return drawing


def _ink(background: tuple[float, ...]) -> str:
    """Black or white, whichever contrasts more; luminance of sRGB as in WCAG 2.2."""
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in background[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return palette.INK if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "white"
