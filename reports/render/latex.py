"""Cards as a LaTeX document with booktabs tables and figures, and each table alone for `\\input` in a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.analyses.card import Card, Table
from reports.render.escaping import latex, latex_breakable, visible
from reports.render.headings import anchors
from reports.render.latex_table import floats, tabulars
from reports.render.paper import has_figure

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{mathptmx}
\usepackage{courier}
\usepackage{booktabs}
\usepackage{longtable}
\usepackage{multicol}
\usepackage{graphicx}
\usepackage[font=footnotesize,labelfont=bf,labelsep=period,justification=raggedright,singlelinecheck=off,skip=4pt]{caption}
\usepackage[a4paper,hmargin=16mm,vmargin=20mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\tabcolsep}{4pt}
\setlength{\LTpre}{4pt}
\setlength{\LTpost}{4pt}
\setlength{\LTleft}{0pt}
\sloppy
\hyphenpenalty=10000 % a name like encoding=voxel is not to be parted
\widowpenalty=10000
\clubpenalty=10000
% A figure or table stands where it is spoken of or, if the page has no room for it there, on top of the next one.
\renewcommand{\topfraction}{0.9}
\renewcommand{\bottomfraction}{0.9}
\renewcommand{\textfraction}{0.05}
\renewcommand{\floatpagefraction}{0.9}
\setcounter{topnumber}{5}
\setcounter{totalnumber}{9}
\setlength{\multicolsep}{4pt}
\setlength{\intextsep}{8pt}
\setlength{\textfloatsep}{16pt}
\setlength{\floatsep}{8pt}
\makeatletter
\setlength{\@fptop}{0pt}
\setlength{\@fpsep}{12pt}
\makeatother
\begin{document}
"""

_CODE_COLUMNS = 98
"""Characters of a typewriter line in \\footnotesize that fit between the margins."""

_LISTING = 20
"""Lines from which short ones stand in two columns."""


def render(title: str, cards: Iterable[Card]) -> str:
    """A complete document; its figures are the PDF files in `figures` beside it."""
    made = list(cards)
    body = "\n\n".join("\n\n".join(_card(*each)) for each in zip(made, _names(made), strict=True))
    return f"{_HEAD}\\section*{{{latex_breakable(title)}}}\n\n{body}\n\n\\end{{document}}\n"


def tables(cards: Iterable[Card]) -> dict[str, str]:
    """File name -> a `tabular` that needs booktabs alone, for every table of a card that has one.

    Caption and label are comments before it: a paper has its own words, and its own kind of float.
    """
    made = list(cards)
    return {
        f"{card.key}.tex": f"% {_caption(card.table, name)}\n{tabulars(card.table)}\n"
        for card, name in zip(made, _names(made), strict=True)
        if card.table and card.status == "ok"
    }


def _names(cards: Sequence[Card]) -> list[str]:
    """What labels name cards by."""
    return anchors(card.key for card in cards)


def _card(card: Card, name: str) -> list[str]:
    parts = [rf"\subsection*{{{latex_breakable(card.title)}}}"]
    if card.status != "ok":
        return [*parts, rf"\emph{{{latex(card.status)}}}: {latex_breakable(card.reason)}"]
    parts += [latex_breakable(sentence) for sentence in card.prose]
    parts += [_figure(card, name)] if has_figure(card) else []
    parts += floats(card.table, _caption(card.table, name)) if card.table else []
    if card.notes:
        items = "\n".join(rf"\item {latex_breakable(note)}" for note in card.notes)
        parts.append(_small(f"\\begin{{itemize}}\\setlength{{\\itemsep}}{{0pt}}\n{items}\n\\end{{itemize}}"))
    return parts + [_code(caption, text) for caption, text in card.code]


def _caption(table: Table, name: str) -> str:
    return rf"\caption{{{latex_breakable(table.caption)}}}\label{{tab:{name}}}"


def _small(text: str) -> str:
    return f"{{\\footnotesize\n{text}\\par}}"


def _figure(card: Card, name: str) -> str:
    assert card.figure is not None
    caption = rf"\caption{{{latex_breakable(card.figure.caption)}}}\label{{fig:{name}}}"
    return f"\\begin{{figure}}[htbp]\n\\includegraphics{{figures/{card.key}.pdf}}\n{caption}\n\\end{{figure}}"


def _code(caption: str, text: str) -> str:
    lines = [piece for line in text.rstrip().split("\n") for piece in _pieces(visible(line.expandtabs()))]
    # The empty box keeps the indentation, which TeX would drop at the beginning of a line.
    printed = "\\\\\n".join("\\mbox{}" + latex(piece).replace(" ", "~") for piece in lines)
    above, code = f"{latex_breakable(visible(caption))}:", f"{{\\footnotesize\\ttfamily\n{printed}\\par}}"
    if len(lines) > _LISTING and max(map(len, lines)) < _CODE_COLUMNS // 2 - 2:
        return f"\\begin{{multicols}}{{2}}[{above}]\\raggedcolumns\n{code}\n\\end{{multicols}}"
    return f"{above}\\par\\nopagebreak\n{code}"


def _pieces(line: str) -> list[str]:
    """A line of code cut where the page ends; what follows is indented, so that it cannot be taken for a line."""
    first, rest = line[:_CODE_COLUMNS], line[_CODE_COLUMNS:]
    room = _CODE_COLUMNS - 8
    return [first, *(" " * 8 + rest[at : at + room] for at in range(0, len(rest), room))]
