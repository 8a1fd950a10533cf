"""Room for a name at its point: clear of marks, intervals, lines and other names, and never nearer to another point."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
_SLANTS = tuple((across * x, down * y) for x, y in ((1, 1), (3, 2), (2, 3), (5, 2), (2, 5), (5, 1))
                for across, down in ((1, -1), (-1, -1), (1, 1), (-1, 1)))  # fmt: skip
_NEAR, _FAR = (1.0, 1.5), (3.0, 4.0, 5.5, 7.0, 9.0, 11.0)
"""Distances from the point, in gaps: without a line to the point, and with one."""

Spot = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in the units of the picture; whether `top` is up or down on the page makes no difference."""

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

    def nearest(self, x: float, y: float) -> Spot:
        """The place in this box that is nearest to another place."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)

    def wider(self, by: float) -> Box:
        """This box with a rim."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def crossed(self, line: Line) -> bool:
        """Whether a part of the line lies in this box (Liang and Barsky 1984)."""
        (x, y), (to_x, to_y) = line
        first, last = 0.0, 1.0
        for start, step, low, high in ((x, to_x - x, self.left, self.right), (y, to_y - y, self.top, self.bottom)):
            if step == 0:
                if not low < start < high:
                    return False
                continue
            one, other = sorted(((low - start) / step, (high - start) / step))
            first, last = max(first, one), min(last, other)
        return first < last


Line = tuple[Spot, Spot]


@dataclass(frozen=True)
class Label:
    """A name that wants a place: the place of its point, and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Placed:
    """The room a name takes, and the line that leads to it where it does not stand beside its point."""

    box: Box
    leader: Line | None = None


def find_places(labels: Sequence[Label], points: Sequence[Spot], lines: Sequence[Line], whole: Box, mark: float,
                gap: float) -> list[Placed | None]:  # fmt: skip
    """Places in the order of `labels`; None for a name without one, which is better left out than misread.

    `points` are all the points with marks of radius `mark`, `lines` the intervals and joining lines, `gap` the distance
    of a name from its point. A name beside its point is nearer to it than to any other point and its intervals. A name
    without such a place goes further off, with a slanting line to its point (an upright or level one would look like an
    interval) that crosses no mark and no name, and as few other lines as there may be.
    """
    marks = [Box(x - mark, y - mark, x + mark, y + mark) for x, y in points]
    found: list[Placed | None] = [None] * len(labels)
    names: list[Box] = []
    leaders: list[Line] = []
    for led in (False, True):  # what has room beside its point has it before a name from further off takes it
        for at, label in enumerate(labels):
            if found[at] is not None:
                continue
            drawn = [*lines, *leaders]
            free = [box for box in _boxes(label, gap, led)
                    if box.within(whole) and _is_free(box, [*marks, *names], drawn, gap / 5)]  # fmt: skip
            chosen = _led(label, free, marks, names, drawn, mark) if led else _beside(label, free, points, lines)
            if chosen is None:
                continue
            found[at] = chosen
            names.append(chosen.box)
            leaders += [chosen.leader] if chosen.leader else []
    return found


def _is_free(box: Box, boxes: list[Box], lines: list[Line], rim: float) -> bool:
    """Whether a box meets no other one, and no line comes as near to it as the rim."""
    if any(box.meets(each) for each in boxes):
        return False
    wide = box.wider(rim)
    return not any(wide.crossed(line) for line in lines)


def _beside(label: Label, free: list[Box], points: Sequence[Spot], lines: Sequence[Line]) -> Placed | None:
    own = label.x, label.y
    others = [point for point in points if point != own]
    apart = [line for line in lines if not Box(*own, *own).wider(0.01).crossed(line)]
    for box in free:
        away = 1.5 * _distance(box, own)
        near = any(_distance(box, other) <= away for other in others)
        if not near and _is_free(box, [], apart, away):
            return Placed(box)
    return None


def _led(label: Label, free: list[Box], marks: list[Box], names: list[Box], lines: list[Line],
         mark: float) -> Placed | None:  # fmt: skip
    best: tuple[int, Placed] | None = None
    others = [each for each in marks if each.nearest(label.x, label.y) != (label.x, label.y)]
    for box in free:
        x, y = box.nearest(label.x, label.y)
        length = math.hypot(x - label.x, y - label.y)
        start = label.x + (x - label.x) * mark / length, label.y + (y - label.y) * mark / length
        leader = start, (x, y)
        if any(each.crossed(leader) for each in (*names, *others)):
            continue
        crossed = sum(_cross(leader, line) for line in lines)
        if best is None or crossed < best[0]:
            best = crossed, Placed(box, leader)
    return best[1] if best else None


def _boxes(label: Label, gap: float, led: bool) -> Iterator[Box]:
    """Where a name could be, nearest first."""
    for distance in _FAR if led else _NEAR:
        for across, down in _SLANTS if led else _DIRECTIONS:
            shrunk = gap * distance / math.hypot(across, down)
            x, y = label.x + across * shrunk, label.y + down * shrunk
            left = x - label.width * (0.5 if across == 0 else float(across < 0))
            top = y - label.height * (0.5 if down == 0 else float(down < 0))
            yield Box(left, top, left + label.width, top + label.height)


def _distance(box: Box, spot: Spot) -> float:
    x, y = box.nearest(*spot)
    return math.hypot(x - spot[0], y - spot[1])


def _cross(one: Line, other: Line) -> bool:
    """Whether two lines cross between their ends."""

    def side(line: Line, spot: Spot) -> float:
        (x, y), (to_x, to_y) = line
        return (to_x - x) * (spot[1] - y) - (to_y - y) * (spot[0] - x)

    return (side(one, other[0]) * side(one, other[1]) < 0) and (side(other, one[0]) * side(other, one[1]) < 0)
