"""Which cells are compared with which: a level's cells and, for each, the cell that differs in this axis alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the planner matches cells without the tables
    from reports.results import StudyResults

Cells = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Match:
    """A level of an axis and its pairs.

    Attributes:
        level: printed level.
        pairs: (cell_id of the level, cell_id of the reference), the same in every other axis.
        planned: pairs the design asks for, counting those that a rule excluded.
        excluded: reasons of the exclusions, each once.
    """

    level: str
    pairs: tuple[tuple[str, str], ...]
    planned: int
    excluded: tuple[str, ...]


def axis_of(results: StudyResults, name: str) -> Mapping[str, Any]:
    """Description of an axis by its name."""
    return next(axis for axis in results.study["axes"] if axis["name"] == name)


def levels_of(axis: Mapping[str, Any]) -> tuple[str, ...]:
    """Levels to compare with the reference, in the order of the study file."""
    return tuple(level for level in dict.fromkeys(axis["levels"]) if level != axis["reference"])


def matches(results: StudyResults, axis: Mapping[str, Any]) -> tuple[Match, ...]:
    """The contrasts of an axis in the order of its levels; a level without any cell has no pairs."""
    name, reference, cells = axis["name"], axis["reference"], results.study["cells"]
    found = []
    for level in levels_of(axis):
        excluded = _at(results.exclusions, name, level)
        reasons = tuple(dict.fromkeys(str(each.get("reason", "")) for each in excluded))
        planned = len(_at(cells, name, level)) + len(excluded)
        found.append(Match(level, pairs(cells, name, level, reference), planned, reasons))
    return tuple(found)


def pairs(cells: Cells, axis: str, level: str, other: str) -> tuple[tuple[str, str], ...]:
    """(cell_id at `level`, cell_id at `other`) of the cells that are the same in every other axis, in their order.

    Args:
        cells: mappings with `cell_id` and `levels`, the level of every axis.
        axis, level, other: two levels of one axis.
    """
    partner = {_rest(cell, axis): cell["cell_id"] for cell in _at(cells, axis, other)}
    return tuple(
        (cell["cell_id"], partner[_rest(cell, axis)])
        for cell in _at(cells, axis, level)
        if _rest(cell, axis) in partner
    )


def _at(cells: Cells, axis: str, level: str) -> list[Mapping[str, Any]]:
    return [cell for cell in cells if cell["levels"].get(axis) == level]


def _rest(cell: Mapping[str, Any], axis: str) -> frozenset[tuple[str, str]]:
    return frozenset((name, level) for name, level in cell["levels"].items() if name != axis)
