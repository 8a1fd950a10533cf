"""Which cells are compared with which: a level's cells and, for each, the cell that differs in this axis alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.results import StudyResults


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
    name, reference = axis["name"], axis["reference"]
    partner = {_rest(cell, name): cell["cell_id"] for cell in _at(results.study["cells"], name, reference)}
    found = []
    for level in levels_of(axis):
        cells = _at(results.study["cells"], name, level)
        pairs = tuple((cell["cell_id"], partner[_rest(cell, name)]) for cell in cells if _rest(cell, name) in partner)
        excluded = _at(results.exclusions, name, level)
        reasons = tuple(dict.fromkeys(str(each.get("reason", "")) for each in excluded))
        found.append(Match(level, pairs, len(cells) + len(excluded), reasons))
    return tuple(found)


def _at(cells: Any, axis: str, level: str) -> list[Mapping[str, Any]]:
    return [cell for cell in cells if cell["levels"].get(axis) == level]


def _rest(cell: Mapping[str, Any], axis: str) -> frozenset[tuple[str, str]]:
    return frozenset((name, level) for name, level in cell["levels"].items() if name != axis)
