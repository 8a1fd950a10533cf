"""How series are told apart: by colour, by the shape of their marks and the dashes of their lines."""

from __future__ import annotations

COLOURS = 7
"""Classes `c0` to `c6` of the style sheet: Okabe and Ito's colours, darkened on white paper until they stand out."""

SHAPES = (
    "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0Z",  # circle
    "M-4.1-4.1H4.1V4.1H-4.1Z",  # square
    "M0-5.4L5.2 3.8H-5.2Z",  # triangle
    "M0-5.8L5.8 0L0 5.8L-5.8 0Z",  # diamond
    "M0 5.4L5.2-3.8H-5.2Z",  # triangle that points down
    "M0-5.2L4.9-1.6L3.1 4.2H-3.1L-4.9-1.6Z",  # pentagon
    "M-2-5.2H2V-2H5.2V2H2V5.2H-2V2H-5.2V-2H-2Z",  # cross
)
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")


def colour(at: int) -> str:
    """Class of the series at this place."""
    return f"c{at % COLOURS}"


def shape(at: int) -> str:
    """Outline around the origin; the first seven differ from each other, later ones from those of their colour."""
    return SHAPES[(at + at // COLOURS) % len(SHAPES)]


def dash(at: int) -> str | None:
    """Dashes of the line; None for a solid one."""
    return DASHES[at % len(DASHES)] or None
