"""A figure as the bytes of its files."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text

from reports.analyses.figure import Chart, Figure
from reports.render.paper import charts, heat_maps
from reports.render.paper.style import style

# Neither date nor program, which would change the bytes of figures that are the same. The SVG alone names the version,
# for whoever compares files: another version may place a line a hundredth of a point elsewhere.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": f"matplotlib {matplotlib.__version__}", "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def printed(figure: Figure, formats: Sequence[str]) -> list[bytes]:
    """The figure in each of the formats, laid out once."""
    with style():
        drawing = charts.draw(figure) if isinstance(figure, Chart) else heat_maps.draw(figure)
        _part_ligatures(drawing)
        return [_saved(drawing, form) for form in formats]


def _part_ligatures(drawing: Drawing) -> None:
    """Print one glyph a letter: matplotlib 3.11, the first to set ligatures, embeds a second font in a PDF for them."""
    if hasattr(Text, "set_fontfeatures"):
        for text in drawing.findobj(Text):
            text.set_fontfeatures(("-liga",))


def _saved(drawing: Drawing, form: str) -> bytes:
    file = BytesIO()
    drawing.savefig(file, format=form, metadata=_METADATA[form])
    return file.getvalue()
