"""Colours and the other ways to tell series apart, for eyes of every kind and for print without colour."""

from __future__ import annotations

SERIES = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito, Color Universal Design (2008), without yellow, which white paper swallows; most contrast first."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""One for each colour, so that colour is never all that tells two series apart. Names are matplotlib's."""

DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (4, 1.5),
    (1, 1.2),
    (4, 1.2, 1, 1.2),
    (7, 2),
    (2.5, 1),
    (6, 1.2, 1, 1.2, 1, 1.2),
)
"""Ink and gap in line widths; none is a solid line."""

SEQUENTIAL = ("#F3F8FC", "#56A5D3", "#0072B2", "#00395A")
"""Of a heat map, from its lowest value to its highest: one hue, darker throughout."""

INK, REFERENCE, BAND, EMPTY = "#000000", "#777777", "#E8E8E8", "#F2F2F2"
"""Text and axes, the line of no difference, the margin around it, a combination without a value."""
