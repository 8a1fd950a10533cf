"""Cards as one HTML page that needs nothing but itself: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.analyses.card import Card
from reports.render.escaping import visible
from reports.render.plot import HEIGHT, WIDTH, plot_of


def render(title: str, cards: Iterable[Card]) -> str:
    """The page. Everything that comes from cards is escaped by the template engine."""
    environment = Environment(
        loader=PackageLoader("reports.render"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["visible"] = visible
    environment.globals.update(plot_of=plot_of, plot_width=WIDTH, plot_height=HEIGHT)
    made = list(cards)
    return environment.get_template("guide.html").render(title=title, cards=made)
