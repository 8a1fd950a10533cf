"""What a page sorts the cells of a numeric column by."""

from __future__ import annotations

import re

from reports.analyses.card import Table

_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")


def sort_value(table: Table, row: int, column: int) -> str | None:
    """The number of a cell: the unrounded one where the table has it, else the first that is printed; None for none."""
    if not table.numeric[column]:
        return None
    given = table.values[row][column] if table.values else None
    if given is not None and given == given:
        return repr(float(given))
    return printed_number(table.rows[row][column]) if not table.values else None


def printed_number(text: str) -> str | None:
    """The first number of a printed cell, without its thousands separators; a bound (`<0.001`) is a little below."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    value = float(found.group().replace(",", ""))
    return repr(value / 2 if text[: found.start()].endswith("<") else value)
