"""Tables in LaTeX that stay on the page: wide columns wrapped, the widest tables split, long ones carried over."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.analyses.card import Table
from reports.render.escaping import latex, latex_breakable, latex_length, unbroken

_ROOM = 124
"""Characters, gaps between columns included, that fit across the page in \\footnotesize."""

_GAP, _NARROWEST, _NAME, _HEADER = 2, 12, 24, 9
_EM = 0.48  # mean width of a character in em
_NARROW = re.compile(r"[ ,.()]")
_LONGEST = 40
"""Rows of a `tabular`, which cannot go on over the page."""


@dataclass(frozen=True)
class _Part:
    """Columns of a table that fit beside each other, with their widths in characters; None: as wide as they are.

    `headers` are their titles in lines.
    """

    columns: tuple[int, ...]
    wrapped: tuple[int | None, ...]
    headers: tuple[tuple[str, ...], ...]


def tabulars(table: Table) -> str:
    """`tabular`s that need booktabs alone: one, or several with the same header where one would leave the page."""
    rows = [table.rows[first : first + _LONGEST] for first in range(0, max(len(table.rows), 1), _LONGEST)]
    return "\n\n".join(_tabular(table, part, each) for part in _parts(table) for each in rows)


def floats(table: Table, caption: str) -> list[str]:
    """The same with captions, for a document of its own, where a long table goes on over the page under its header.

    `caption` are the commands for caption and label. Parts that do not fit beside each other share their number.
    """
    draw = _longtable if len(table.rows) > _LONGEST else _float
    first, *others = _parts(table)
    continued = [r"\addtocounter{table}{-1}" + "\n" + draw(table, part, r"\caption{Continued.}") for part in others]
    return [draw(table, first, caption), *continued]


def _tabular(table: Table, part: _Part, rows: Sequence[tuple[str, ...]]) -> str:
    lines = [*_head(part), *_rows(part, rows), r"\bottomrule"]
    return "\n".join([rf"\begin{{tabular}}{{{_columns(table, part)}}}", *lines, r"\end{tabular}"])


def _float(table: Table, part: _Part, caption: str) -> str:
    return "\n".join([r"\begin{table}[htbp]\footnotesize", caption, _tabular(table, part, table.rows), r"\end{table}"])


def _longtable(table: Table, part: _Part, caption: str) -> str:
    """The caption stands above the first page alone, the header above each."""
    head = _head(part)
    lines = [rf"{caption} \\", *head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot"]
    begin = rf"{{\footnotesize\begin{{longtable}}{{{_columns(table, part)}}}"
    return "\n".join([begin, *lines, *_rows(part, table.rows), r"\end{longtable}}"])


def _parts(table: Table) -> Iterator[_Part]:
    """Split the columns, the first repeated, so that each part fits once its text columns are wrapped."""
    columns = [(title, [row[at] for row in table.rows]) for at, title in enumerate(table.headers)]
    headers = [_header(unbroken(title), max(map(latex_length, cells), default=0)) for title, cells in columns]
    widths = [max((*map(latex_length, header), *(_length(cell, numeric) for cell in cells)))
              for header, (_, cells), numeric in zip(headers, columns, table.numeric, strict=True)]  # fmt: skip
    first, rest = _least(table, 0, widths), list(range(1, len(widths)))
    while True:
        taken, room = [0], _ROOM - first
        while rest and (len(taken) < 2 or _least(table, rest[0], widths) + _GAP <= room):
            room -= _least(table, rest[0], widths) + _GAP
            taken.append(rest.pop(0))
        yield _Part(tuple(taken), _wrapped(table, taken, widths), tuple(headers[at] for at in taken))
        if not rest:
            return


def _length(text: str, numeric: bool) -> int:
    """Width in characters as wide as a digit: in intervals, much is narrower."""
    return math.ceil(latex_length(text) - (0.4 * len(_NARROW.findall(text)) if numeric else 0))


def _header(title: str, below: int) -> tuple[str, ...]:
    """A header in lines hardly wider than what stands below it, `below` characters, and about as long as each other."""
    width = max(1, min(max(_HEADER, below), len(title)))
    lines = textwrap.wrap(title, width, break_long_words=False) or [""]
    while width > 1:
        width -= 1
        narrower = textwrap.wrap(title, width, break_long_words=False) or [""]
        if len(narrower) > len(lines):
            break
        lines = narrower
    return tuple(lines)


def _least(table: Table, at: int, widths: Sequence[int]) -> int:
    """How narrow a column can be: numbers are never wrapped, text is, names of rows less than other text."""
    return widths[at] if table.numeric[at] else min(widths[at], _NARROWEST if at else _NAME)


def _wrapped(table: Table, taken: Sequence[int], widths: Sequence[int]) -> tuple[int | None, ...]:
    """Widths of text columns that must be wrapped: what is left is shared out from the narrowest column up."""
    text = sorted((at for at in taken if not table.numeric[at]), key=lambda at: widths[at])
    room = _ROOM - _GAP * (len(taken) - 1) - sum(widths[at] for at in taken if table.numeric[at])
    given: dict[int, int | None] = {}
    for left, at in zip(range(len(text), 0, -1), text, strict=True):
        share = max(room // left, _least(table, at, widths))
        given[at] = None if widths[at] <= share else share
        room -= min(widths[at], share)
    return tuple(given.get(at) for at in taken)


def _columns(table: Table, part: _Part) -> str:
    kinds = [
        ("r" if table.numeric[at] else "l") if width is None else f"p{{{width * _EM:.1f}em}}"
        for at, width in zip(part.columns, part.wrapped, strict=True)
    ]
    return "@{}" + "".join(kinds) + "@{}"


def _head(part: _Part) -> list[str]:
    """The header, as many lines as its longest needs, set on the rule below it."""
    most = max(map(len, part.headers))
    padded = [("",) * (most - len(lines)) + lines for lines in part.headers]
    lines = [" & ".join(latex(cell[line]) for cell in padded) + r" \tabularnewline" for line in range(most)]
    return [r"\toprule", *lines, r"\midrule"]


def _rows(part: _Part, rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        " & ".join(_cell(row[at], width) for at, width in zip(part.columns, part.wrapped, strict=True))
        + r" \tabularnewline"
        for row in rows
    ]


def _cell(text: str, width: int | None) -> str:
    if width is None:
        return latex(text)
    return rf"\raggedright {latex_breakable(text, width * 2 // 3)}"
