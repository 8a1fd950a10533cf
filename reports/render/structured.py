"""A guide as JSON: the same cards, their numbers unrounded."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from reports.analyses.card import Card

FORMAT = 1


def render(title: str, cards: Sequence[Card]) -> str:
    """`{"format", "title", "cards": [{key, title, status, reason, prose, notes, columns, rows}]}`.

    One card a line. Rows hold the values of `columns` in full precision; what is missing, and what JSON has no number
    for, is null.
    """
    made = ",\n".join(_json(_card(card)) for card in cards)
    return f'{{"format": {FORMAT}, "title": {_json(title)}, "cards": [\n{made}\n]}}\n'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _card(card: Card) -> dict[str, Any]:
    return {
        "key": card.key, "title": card.title, "status": card.status, "reason": card.reason,
        "prose": list(card.prose), "notes": list(card.notes),
        "columns": [str(name) for name in card.frame.columns], "rows": _rows(card.frame),
    }  # fmt: skip


def _rows(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(row) for row in zip(*(_column(frame[name]) for name in frame.columns), strict=True)]


def _column(column: pd.Series) -> list[Any]:
    if column.dtype.kind in "biu" and not column.hasnans:
        return column.tolist()
    if column.dtype == "float64":
        return [value if math.isfinite(value) else None for value in column.tolist()]
    values = column.astype(object).tolist()
    return values if all(type(value) is str for value in values) else [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """A value of JSON."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value is pd.NA or (isinstance(value, float) and not abs(value) < float("inf")):
        return None
    return value if isinstance(value, str | bool | int | float) else str(value)
