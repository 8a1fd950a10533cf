"""Which cells are compared with which: a level's cells and, for each, the cell that differs in this axis alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.once import once_per_study

if TYPE_CHECKING:  # the planner matches cells without the tables
    from reports.results import StudyResults

Cells = Sequence[Mapping[str, Any]]
Rest = frozenset[tuple[str, str]]


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
    return _matches(results, axis["name"])


@once_per_study
def _matches(results: StudyResults, name: str) -> tuple[Match, ...]:
    """Computed once: most cards of a guide ask for the same pairs."""
    axis, cells = axis_of(results, name), results.study["cells"]
    partner = _by_rest(cells, name, axis["reference"])
    found = []
    for level in levels_of(axis):
        excluded = _at(results.exclusions, name, level)
        reasons = tuple(dict.fromkeys(str(each.get("reason", "")) for each in excluded))
        own = _by_rest(cells, name, level)
        found.append(Match(level, _paired(own, partner), len(own) + len(excluded), reasons))
    return tuple(found)


def pairs(cells: Cells, axis: str, level: str, other: str) -> tuple[tuple[str, str], ...]:
    """(cell_id at `level`, cell_id at `other`) of the cells that are the same in every other axis, in their order.

    Args:
        cells: mappings with `cell_id` and `levels`, the level of every axis.
        axis, level, other: two levels of one axis.
    """
    return _paired(_by_rest(cells, axis, level), _by_rest(cells, axis, other))


def _paired(own: Mapping[Rest, str], partner: Mapping[Rest, str]) -> tuple[tuple[str, str], ...]:
    return tuple((cell, partner[rest]) for rest, cell in own.items() if rest in partner)


def _by_rest(cells: Cells, axis: str, level: str) -> dict[Rest, str]:
    """The levels of the other axes -> cell_id, of the cells at a level."""
    return {
        frozenset((name, each) for name, each in cell["levels"].items() if name != axis): cell["cell_id"]
        for cell in _at(cells, axis, level)
    }


def _at(cells: Cells, axis: str, level: str) -> list[Mapping[str, Any]]:
    return [cell for cell in cells if cell["levels"].get(axis) == level]
