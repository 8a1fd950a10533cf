"""Which runs stand behind a row of a table."""

from __future__ import annotations

from collections.abc import Iterable

from reports.levels import level_cells
from reports.results import StudyResults


def of_cells(results: StudyResults, cells: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The runs of each cell, named as `cell` in `runs.csv`; excluded cells have none."""
    known = _by(results, "cell")
    return tuple(known.get(cell, ()) for cell in cells)


def of_levels(results: StudyResults, axis: str, levels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The runs of the cells that make up each level's row in the table of its axis."""
    known, cells = _by(results, "cell_id"), level_cells(results, axis)
    return tuple(tuple(run for cell in cells[level] for run in known.get(cell, ())) for level in levels)


def of_cell_ids(results: StudyResults, rows: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The runs of several cells a row, given by their ids."""
    known = _by(results, "cell_id")
    return tuple(tuple(run for cell in cells for run in known.get(cell, ())) for cells in rows)


def _by(results: StudyResults, column: str) -> dict[str, tuple[str, ...]]:
    runs = results.runs[results.runs["status"] != "excluded"]
    found: dict[str, list[str]] = {}
    for key, run_id in zip(runs[column], runs["run_id"], strict=True):
        found.setdefault(str(key), []).append(str(run_id))
    return {key: tuple(run_ids) for key, run_ids in found.items()}
