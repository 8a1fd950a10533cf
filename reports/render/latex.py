"""Cards as a LaTeX document with booktabs tables, and each table alone for `\\input` in a paper."""

from __future__ import annotations

from collections.abc import Iterable

from reports.analyses.card import Card, Table
from reports.render.escaping import latex, visible

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage[a4paper,landscape,margin=18mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\begin{document}
"""

_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"


def render(title: str, cards: Iterable[Card]) -> str:
    """A complete document."""
    body = "\n\n".join("\n\n".join(_card(card)) for card in cards)
    return f"{_HEAD}\\section*{{{latex(title)}}}\n\n{body}\n\n\\end{{document}}\n"


def tables(cards: Iterable[Card]) -> dict[str, str]:
    """File name -> a `tabular` that needs booktabs alone, for every table of a card that has one."""
    return {f"{card.key}.tex": tabular(card.table) + "\n" for card in cards if card.table and card.status == "ok"}


def _card(card: Card) -> list[str]:
    parts = [rf"\subsection*{{{latex(card.title)}}}"]
    if card.status != "ok":
        return [*parts, rf"\emph{{{latex(card.status)}}}: {latex(card.reason)}"]
    parts += [latex(sentence) for sentence in card.prose]
    if card.table:
        parts.append(f"{_FIT}{{%\n{tabular(card.table)}}}")
    if card.notes:
        items = "\n".join(rf"\item {latex(note)}" for note in card.notes)
        parts.append(f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}")
    return parts + [_code(caption, text) for caption, text in card.code]


def tabular(table: Table) -> str:
    """A booktabs `tabular`."""
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    head, *rows = (" & ".join(latex(cell) for cell in row) + r" \\" for row in (table.headers, *table.rows))
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", end])


def _code(caption: str, text: str) -> str:
    lines = [latex(line.expandtabs()).replace(" ", "~") or "~" for line in text.rstrip().split("\n")]
    return f"{latex(visible(caption))}:\n\n{{\\ttfamily\\small\n" + "\\\\\n".join(lines) + "\n\n}"
