"""Cards as a LaTeX document with booktabs tables and figures, and each table alone for `\\input` in a paper."""

from __future__ import annotations

from collections.abc import Iterable

from reports.analyses.card import Card
from reports.render.escaping import latex, latex_breakable, visible
from reports.render.latex_table import is_long, longtables, tabulars
from reports.render.paper import has_figure

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{mathptmx}
\usepackage{courier}
\usepackage{booktabs}
\usepackage{longtable}
\usepackage{graphicx}
\usepackage[a4paper,hmargin=16mm,vmargin=20mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\tabcolsep}{4pt}
\setlength{\LTpre}{4pt}
\setlength{\LTpost}{4pt}
\setlength{\LTleft}{0pt}
\sloppy
\hyphenpenalty=10000 % a name like encoding=voxel is not to be parted
\newsavebox{\block}
\newenvironment{together}% goes to the next page as a whole where this one has no room for it
  {\par\setbox\block=\vbox\bgroup}
  {\par\egroup\penalty-100
   \ifdim\dimexpr\pagegoal-\pagetotal\relax<\dimexpr\ht\block+\dp\block\relax\newpage\fi\unvbox\block}
\begin{document}
"""

_CODE_COLUMNS = 98
"""Characters of a typewriter line in \\footnotesize that fit between the margins."""


def render(title: str, cards: Iterable[Card]) -> str:
    """A complete document; its figures are the PDF files in `figures` beside it."""
    body = "\n\n".join("\n\n".join(_card(card)) for card in cards)
    return f"{_HEAD}\\section*{{{latex_breakable(title)}}}\n\n{body}\n\n\\end{{document}}\n"


def tables(cards: Iterable[Card]) -> dict[str, str]:
    """File name -> a `tabular` that needs booktabs alone, for every table of a card that has one."""
    return {f"{card.key}.tex": tabulars(card.table) + "\n" for card in cards if card.table and card.status == "ok"}


def _card(card: Card) -> list[str]:
    parts = [rf"\subsection*{{{latex_breakable(card.title)}}}"]
    if card.status != "ok":
        return [*parts, rf"\emph{{{latex(card.status)}}}: {latex_breakable(card.reason)}"]
    parts += [latex_breakable(sentence) for sentence in card.prose]
    parts += [_figure(card)] if has_figure(card) else []
    table = [_small(longtables(card.table))] if card.table else []
    if card.table and not has_figure(card) and not is_long(card.table):
        parts, table = parts + table, []
    parts = [r"\begin{together}", *parts, r"\end{together}", *table]
    if card.notes:
        items = "\n".join(rf"\item {latex_breakable(note)}" for note in card.notes)
        parts.append(_small(f"\\begin{{itemize}}\\setlength{{\\itemsep}}{{0pt}}\n{items}\n\\end{{itemize}}"))
    return parts + [_code(caption, text) for caption, text in card.code]


def _small(text: str) -> str:
    return f"{{\\footnotesize\n{text}\\par}}"


def _figure(card: Card) -> str:
    """The figure and its caption, which no page break parts."""
    assert card.figure is not None
    return (
        "\\begin{minipage}{\\linewidth}\n\\vspace{4pt}\n"
        f"\\includegraphics{{figures/{card.key}.pdf}}\\par\n"
        f"{{\\footnotesize {latex_breakable(card.figure.caption)}\\par}}\n\\vspace{{4pt}}\n\\end{{minipage}}"
    )


def _code(caption: str, text: str) -> str:
    lines = [piece for line in text.rstrip().split("\n") for piece in _pieces(visible(line.expandtabs()))]
    # The empty box keeps the indentation, which TeX would drop at the beginning of a line.
    printed = "\\\\\n".join("\\mbox{}" + latex(piece).replace(" ", "~") for piece in lines)
    return f"{latex_breakable(visible(caption))}:\n\n{{\\footnotesize\\ttfamily\n{printed}\\par}}"


def _pieces(line: str) -> list[str]:
    """A line of code cut where the page ends; what follows is indented, so that it cannot be taken for a line."""
    first, rest = line[:_CODE_COLUMNS], line[_CODE_COLUMNS:]
    room = _CODE_COLUMNS - 8
    return [first, *(" " * 8 + rest[at : at + room] for at in range(0, len(rest), room))]
