"""Names from outside made harmless: for Markdown, LaTeX and a terminal (HTML is escaped by its template engine)."""

from __future__ import annotations

import re
import unicodedata

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "[": "{[}", "]": "{]}", "*": "{*}", '"': r"\textquotedbl{}", "'": "{'}",
    "`": r"\textasciigrave{}",
    "-": "{-}", "±": r"\ensuremath{\pm}", "×": r"\ensuremath{\times}", "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}", "–": "--", "µ": r"\textmu{}",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*{}\[\]<>#|!~$&])|(?<![^\W_])_|_(?![^\W_])")


def visible(text: str) -> str:
    """Control, format and other unprintable characters spelled out, so that none acts on a terminal or a reader."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(each) if unicodedata.category(each)[0] == "C" else each for each in text)


def _spelled(character: str) -> str:
    return " " if character in "\n\t" else character.encode("unicode_escape").decode("ascii")


def markdown(text: str) -> str:
    """Text that Markdown prints as it is, also inside a table cell."""
    escaped = _MARKDOWN.sub(lambda found: "\\" + found.group(), visible(text))
    return escaped.replace("://", ":\\//")


def latex(text: str) -> str:
    """Text that LaTeX prints as it is; characters its fonts lack appear as their code point."""
    return "".join(_LATEX.get(each) or (each if each.isascii() else _code_point(each)) for each in visible(text))


def _code_point(character: str) -> str:
    return rf"\texttt{{U+{ord(character):04X}}}"
