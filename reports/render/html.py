"""Cards as one HTML page that needs nothing but itself: no font, no request, and no script but its own.

Everything is there without a script. The one inline script (`guide.js`), which the page's policy names by its hash,
adds tooltips, zooming, sorting and the runs behind a row.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.analyses.card import Card
from reports.analyses.figure import Chart, Figure
from reports.render import marks
from reports.render.escaping import unbroken, visible
from reports.render.headings import RUNS, anchors, heading
from reports.render.plot import HEIGHT, WIDTH, plot_of
from reports.render.run_data import RunData
from reports.render.sorting import sort_value
from reports.render.svg import draw
from reports.run_list import RunList


def render(title: str, cards: Iterable[Card], runs: RunList | None = None) -> str:
    """The page. Everything that comes from cards and runs is escaped.

    Args:
        title: of the page.
        cards: its sections, in their order.
        runs: what the rows of its tables refer to; without them no row opens.
    """
    environment = Environment(
        loader=PackageLoader("reports.render"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    data = RunData(runs or RunList())
    environment.filters.update(visible=visible, unbroken=unbroken)
    environment.globals.update(
        plot_of=plot_of, plot_width=WIDTH, plot_height=HEIGHT, heading=heading, draw=draw, marks=marks,
        is_chart=_is_chart, sort_value=sort_value, runs_id=RUNS, run_numbers=data.numbers,
    )  # fmt: skip
    script, style = (_source(environment, name) for name in ("guide.js", "guide.css"))
    made = list(cards)
    return environment.get_template("guide.html").render(
        title=title, sections=list(zip(anchors(card.key for card in made), made, strict=True)), data=data.json(),
        script=script, style=style, policy=_policy(script, style),
    )  # fmt: skip


def _is_chart(figure: Figure) -> bool:
    return isinstance(figure, Chart)


def _source(environment: Environment, name: str) -> Markup:
    return Markup(environment.get_template(name).render())


def _policy(script: str, style: str) -> str:
    """The content security policy: this script, this style, and nothing else."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    """How a policy names an inline source."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
