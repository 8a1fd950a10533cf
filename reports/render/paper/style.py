"""How figures of a paper look: sizes, strokes, fonts, numbers on axes and names that fit."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, get_font

from reports import wording
from reports.render.escaping import visible
from reports.render.palette import INK

COLUMN, PAGE = 3.4, 7.0
"""Widths in inches: of a column of a two-column page, and of both."""

FONT = "DejaVu Sans"  # comes with matplotlib, so that a figure does not depend on what a machine has installed
POINTS = 7.0

_STYLE: dict[str, Any] = {
    "font.family": [FONT, "sans-serif"], "font.sans-serif": [FONT], "font.size": POINTS,
    "axes.labelsize": POINTS, "xtick.labelsize": POINTS, "ytick.labelsize": POINTS, "legend.fontsize": POINTS,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "axes.edgecolor": INK,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "lines.linewidth": 1.0, "lines.markersize": 4.0, "legend.frameon": False, "hatch.linewidth": 0.4,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,  # a PDF has one font for all its characters by this, not by its own type (matplotlib 3.11)
    "svg.fonttype": "none", "svg.hashsalt": "ablate", "savefig.dpi": 300,
    "figure.constrained_layout.h_pad": 0.03,
    "text.parse_math": False,  # a dollar in a name is a dollar
}  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """The style of these figures and nothing of the user's own; what was set before is set again afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, _STYLE))
        yield


@cache
def _glyphs() -> Any:
    return get_font(findfont(FontProperties(family=FONT)))


def drawable(text: str) -> str:
    """Text as it will be seen; what the font lacks appears as its code point."""
    return "".join(each if _glyphs().get_char_index(ord(each)) else f"U+{ord(each):04X}" for each in visible(text))


def short(text: str, width: int = 30, lines: int = 1) -> str:
    """A name that fits: in lines of at most `width` characters, its middle left out where it is too long still."""
    text = drawable(text)
    room = width * lines - (lines - 1) * width // 4  # lines break at blanks, so they do not fill
    if len(text) > room:
        text = f"{text[: room * 2 // 3]}…{text[-(room - room * 2 // 3 - 1) :]}"
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False)) or text


def number(value: float, decimals: int) -> str:
    """A number beside a tick."""
    return wording.fixed(value, decimals).replace("-", "\N{MINUS SIGN}")


def decimals_of(ticks: Sequence[float]) -> int:
    """How many decimals print every tick where it is."""
    size = max(map(abs, ticks), default=0.0)
    exact = (at for at in range(12) if all(abs(round(tick, at) - tick) <= 1e-9 * size for tick in ticks))
    return next(exact, 12)


def log_ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers within a range of positive numbers; as many as there are where that is too small."""
    found: list[float] = []
    for mantissas in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
        found = [m * 10.0**decade for decade in decades for m in mantissas if low <= m * 10.0**decade <= high]
        if len(found) >= 3:
            break
    return found[:: math.ceil(len(found) / 7)] if found else [low, high]
