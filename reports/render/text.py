"""Cards as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from reports.analyses.card import Card, Table
from reports.render.escaping import visible


def render(cards: Iterable[Card]) -> str:
    """Titles, sentences, aligned tables and notes, without colours or control characters."""
    return "\n\n".join("\n".join(_card(card)) for card in cards) + "\n"


def _card(card: Card) -> list[str]:
    lines = [visible(card.title)]
    if card.status != "ok":
        return [*lines, visible(f"  {card.status}: {card.reason}")]
    lines += [f"  {visible(sentence)}" for sentence in card.prose]
    lines += table_lines(card.table) if card.table else []
    return lines + [f"  * {visible(note)}" for note in card.notes]


def table_lines(table: Table) -> list[str]:
    """Lines of an aligned table, two blanks between columns."""
    cells = [[visible(cell) for cell in row] for row in (table.headers, *table.rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(table.headers))]
    return ["  ".join(_aligned(row, widths, table.numeric)).rstrip() for row in cells]


def _aligned(row: list[str], widths: list[int], numeric: tuple[bool, ...]) -> list[str]:
    return [cell.rjust(w) if flush else cell.ljust(w) for cell, w, flush in zip(row, widths, numeric, strict=True)]
