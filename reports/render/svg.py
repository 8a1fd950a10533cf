"""Figures as inline SVG: plain text made from plain data, without an identifier that two pictures could share."""

from __future__ import annotations

from html import escape

from markupsafe import Markup

from reports.analyses.figure import Chart, Figure, HeatMap
from reports.render.escaping import visible

CHARACTER = 6.9
"""Mean width of a character at the size of a figure's text, in units of the picture; a little too wide on purpose."""


def draw(figure: Figure, title: str) -> Markup:
    """The figure as an `<svg>` element with a title and a description for those who do not see it."""
    from reports.render import chart, heat_map

    return Markup(chart.draw(figure, title) if isinstance(figure, Chart) else heat_map.draw(figure, title))


def describe(figure: Figure) -> str:
    """What a figure shows, in words."""
    if isinstance(figure, HeatMap):
        size = f"{len(figure.rows)} rows of {figure.y_label} by {len(figure.columns)} columns of {figure.x_label}"
        return f"Heat map of {figure.value_label}: {size}. Each cell holds its value as text."
    points = sum(len(series.points) for series in figure.series)
    named = [series.name for series in figure.series if series.name]
    parts = f" in {len(named)} series: {', '.join(named)}" if len(named) > 1 else ""
    over = f"{figure.x_label} for {len(figure.rows)} rows" if figure.rows else f"{figure.y_label} over {figure.x_label}"
    return f"Chart of {over}, {points} points{parts}. The table of this section holds the numbers."


def picture(kind: str, width: float, height: float, title: str, figure: Figure, parts: list[str], **more: str) -> str:
    """The outer element; `parts` are drawn in their order."""
    head = [tag("title", title), tag("desc", describe(figure))]
    return tag(
        "svg", [*head, *parts], class_=f"figure {kind}", viewBox=f"0 0 {number(width)} {number(height)}", role="img",
        aria_label=title, **more,
    )  # fmt: skip


def tag(name: str, content: str | list[str] | None = None, /, **attributes: str | float | None) -> str:
    """An element; text and attributes are escaped, a list holds elements that are."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    written = "".join(f' {key}="{_attribute(value)}"' for key, value in named.items())
    if content is None:
        return f"<{name}{written}/>"
    inner = "".join(content) if isinstance(content, list) else escape(visible(content))
    return f"<{name}{written}>{inner}</{name}>"


def number(value: float) -> str:
    """A coordinate to a hundredth."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shortened(text: str, characters: int) -> str:
    """`text`, or its beginning with an ellipsis."""
    shown = visible(text)
    return shown if len(shown) <= characters else shown[: characters - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _attribute(value: str | float) -> str:
    return escape(visible(value)) if isinstance(value, str) else number(value)
