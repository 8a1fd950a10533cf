"""Names from outside made harmless: for Markdown, LaTeX and a terminal (HTML is escaped by its template engine)."""

from __future__ import annotations

import re
import unicodedata


class _Latex(dict[int, str]):
    """What LaTeX prints each character by; one that its fonts lack appears as its code point."""

    def __missing__(self, point: int) -> str:
        return rf"\texttt{{U+{point:04X}}}"


_LATEX = _Latex({point: chr(point) for point in range(128)} | str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "[": "{[}", "]": "{]}", "*": "{*}", '"': r"\textquotedbl{}", "'": "{'}",
    "`": r"\textasciigrave{}",
    "-": "{-}", "±": r"\ensuremath{\pm}", "×": r"\ensuremath{\times}", "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}", "–": "--", "µ": r"\textmu{}", "\N{NO-BREAK SPACE}": "~",
}))  # fmt: skip
_NEGATIVE = re.compile(r"(?<![^\s(])\{-\}(?=\d)")
_UNIT = re.compile(r"(?<=\d) (?=%)|(?<=\d.%) (?=CI\b)")
_MARKDOWN = re.compile(r"([\\`*{}\[\]<>#|!~$&])|(?<![^\W_])_|_(?![^\W_])")

_PIECES = re.compile(r"[^\x00-\x7f]|[^=_,;:/|)\x80-\U0010ffff-]{1,8}[=_,;:/|)-]?|[=_,;:/|)-]")


def visible(text: str) -> str:
    """Control, format and other unprintable characters spelled out, so that none acts on a terminal or a reader."""
    if text.isprintable():
        return text
    return "".join(_spelled(each) if unicodedata.category(each)[0] == "C" else each for each in text)


def _spelled(character: str) -> str:
    return " " if character in "\n\t" else character.encode("unicode_escape").decode("ascii")


def unbroken(text: str) -> str:
    """Text in which no line ends between a number and its per cent, or within `95 % CI`."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", visible(text))


def markdown(text: str) -> str:
    """Text that Markdown prints as it is, also inside a table cell."""
    escaped = _MARKDOWN.sub(lambda found: "\\" + found.group(), visible(text))
    return escaped.replace("://", ":\\//")


def latex(text: str) -> str:
    """Text that LaTeX prints as it is, a hyphen before a number as a minus sign.

    Characters its fonts lack appear as their code point.
    """
    return _NEGATIVE.sub(r"\\ensuremath{-}", visible(text).translate(_LATEX))


def latex_breakable(text: str, longest: int = 30) -> str:
    """As `latex`, for running text: a word longer than `longest` may break behind punctuation or, failing that, there.

    LaTeX knows no place to break a name like `residual=sew_add` and would let it run into the margin.
    """
    return " ".join(_breakable_word(word, longest) for word in unbroken(text).split(" "))


def _breakable_word(word: str, longest: int) -> str:
    if latex_length(word) <= longest:
        return latex(word)
    return r"\allowbreak{}".join(map(latex, _PIECES.findall(word)))


def latex_length(text: str) -> int:
    """Characters that `latex` prints."""
    return len(text) if text.isascii() else sum(1 if ord(each) in _LATEX else 6 for each in text)
