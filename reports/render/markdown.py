"""Cards as one Markdown page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from reports.analyses.card import Card, Table
from reports.render.escaping import markdown, visible
from reports.render.headings import heading
from reports.render.paper import has_figure


def render(title: str, cards: Iterable[Card], *, fold: bool = True, figures: bool = True) -> str:
    """A page with one section a card.

    Args:
        title: of the page.
        cards: the sections.
        fold: whether what cards fold is folded, in HTML that the usual viewers of Markdown know.
        figures: whether the page shows the files in `figures` beside it.
    """
    parts = (part for card in cards for part in _card(card, fold, figures))
    return "\n\n".join([f"# {markdown(title)}", *parts]) + "\n"


def _card(card: Card, fold: bool, figures: bool) -> list[str]:
    parts = [f"## {markdown(card.title)}"]
    if card.status != "ok":
        return [*parts, f"*{card.status}*: {markdown(card.reason)}"]
    parts += [markdown(sentence) for sentence in card.prose]
    details = ([_figure(card)] if figures and has_figure(card) else []) + _details(card)
    if fold and card.folded and details:
        return [*parts, "<details>\n<summary>Details</summary>", *details, "</details>"]
    return parts + details


def _figure(card: Card) -> str:
    """The picture and, for those too who cannot see it, its caption; the numbers are in the table."""
    assert card.figure is not None
    name, _ = heading(card.title)
    return f"![{markdown(name)}](figures/{quote(card.key)}.svg)\n\n*{markdown(card.figure.caption)}*"


def _details(card: Card) -> list[str]:
    parts = [_table(card.table)] if card.table else []
    parts += ["\n".join(f"* {markdown(note)}" for note in card.notes)] if card.notes else []
    return parts + [_code(caption, text) for caption, text in card.code]


def _table(table: Table) -> str:
    rule = ["---:" if numeric else "---" for numeric in table.numeric]
    rows = [[markdown(cell) for cell in row] for row in (table.headers, *table.rows)]
    caption = f"*{markdown(table.caption)}*\n\n" if table.caption else ""
    return caption + "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def _code(caption: str, text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = "\n".join(visible(line) for line in text.rstrip().split("\n"))
    return f"{markdown(caption)}:\n\n{fence}text\n{lines}\n{fence}"
