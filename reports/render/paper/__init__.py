"""Cards' figures as files for a paper: PNG, SVG and PDF, drawn by matplotlib, which is loaded when one is drawn."""

from reports.render.paper.press import FORMATS, Press, has_figure

__all__ = ["FORMATS", "Press", "has_figure"]
