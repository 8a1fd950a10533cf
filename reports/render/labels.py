"""Room for a name beside its point, so that no two names lie on each other and none on a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_HEIGHT, _GAP = 14.0, 9.0


@dataclass(frozen=True)
class Box:
    """A rectangle in the units of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether both have an area in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Whether this one lies in the other as a whole."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True)
class Placed:
    """Where a name goes: its start from the point, how it is anchored there, and the room it takes."""

    dx: float
    dy: float
    anchor: str
    box: Box


def placed(x: float, y: float, width: float, taken: Sequence[Box], whole: Box) -> Placed | None:
    """The first free place beside a point; None when all are taken.

    Below to the right and above to the left come first: there, no line that rises through the point is written over.
    """
    middle = _HEIGHT / 2
    places = (
        Placed(_GAP, 14, "start", Box(x + _GAP, y + 3, x + _GAP + width, y + 3 + _HEIGHT)),
        Placed(-_GAP, -6, "end", Box(x - _GAP - width, y - 3 - _HEIGHT, x - _GAP, y - 3)),
        Placed(_GAP, 4, "start", Box(x + _GAP, y - middle, x + _GAP + width, y + middle)),
        Placed(-_GAP, 4, "end", Box(x - _GAP - width, y - middle, x - _GAP, y + middle)),
        Placed(0, -_GAP, "middle", Box(x - width / 2, y - _GAP - _HEIGHT, x + width / 2, y - _GAP + 2)),
        Placed(0, _GAP + 11, "middle", Box(x - width / 2, y + _GAP - 2, x + width / 2, y + _GAP + _HEIGHT)),
    )
    free = (each for each in places if each.box.within(whole) and not any(each.box.meets(box) for box in taken))
    return next(free, None)
