"""Where the spread of a factorial design's accuracies comes from: axes, their interactions, seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series
from reports.family import VERDICT_METRIC
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics.anova import decomposition
from reports.statistics.paired import Floats

_NAMES = {"higher": "interactions of three axes and more", "blocks": "seed block, alike in all cells",
          "residual": "seed, differing between cells"}  # fmt: skip


class Variance:
    """Shares of the total sum of squares. The frame's columns: source, degrees_of_freedom, sum_of_squares, share."""

    key = "variance"
    title = "Where the spread comes from"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] != "factorial":
            return "shares of variance need a factorial design: around a baseline the axes do not cross"
        if any(len(_levels(results, axis)) < 2 for axis in results.axes):
            return "an axis has one level"
        grid = _grid(results)
        if np.isnan(grid).all(axis=-1).any():
            return "cells are missing: sums of squares of an unbalanced table do not add up"
        values, _ = _whole(grid)
        if values.shape[-1] < 2:
            return "fewer than two seed blocks hold every cell: sums of squares of an unbalanced table do not add up"
        return None if np.ptp(values) > 0 else "all runs have the same accuracy"

    def compute(self, results: StudyResults) -> Card:
        values, left_out = _whole(_grid(results))
        found = decomposition(values)
        total = sum(found.values())
        lengths = [size - 1 for size in values.shape]
        rows = [
            {"source": _name(source, results), "degrees_of_freedom": _freedom(source, lengths, values.shape),
             "sum_of_squares": squares, "share": squares / total}
            for source, squares in found.items() if source != "higher" or values.ndim > 3
        ]  # fmt: skip
        frame = pd.DataFrame(rows)
        table = Table(
            ("source", "degrees of freedom", "share %"),
            tuple(
                (row["source"], str(row["degrees_of_freedom"]), wording.percent(row["share"]))
                for row in frame.to_dict("records")
            ),
            (False, True, True),
            caption="Shares in the sum of squares of test accuracy over all cells and seed blocks, by source.",
        )
        prose = (
            f"Shares of the total sum of squares of test accuracy over {wording.count(values.size, 'run')}, "
            f"{values.shape[-1]} seed blocks.",
        )
        notes = [
            "A share belongs to the levels that were chosen: a level that fails makes its axis large. It is no test "
            "and says nothing of a single contrast; more degrees of freedom take up more chance.",
        ]
        if left_out:
            notes.append(f"Left out: {wording.count(left_out, 'seed block')} in which a cell has no value.")
        return Card(self.key, self.title, prose, frame, table, tuple(notes), folded=True, figure=_figure(frame))


def _levels(results: StudyResults, name: str) -> list[str]:
    axis = next(each for each in results.study["axes"] if each["name"] == name)
    return list(dict.fromkeys(axis["levels"]))


def _grid(results: StudyResults) -> Floats:
    """Test accuracy `[levels of each axis ..., seed blocks]`; NaN where there is none."""
    outcomes = Outcomes.of(results, VERDICT_METRIC)
    levels = [_levels(results, axis) for axis in results.axes]
    grid = np.full([*map(len, levels), len(outcomes.seeds)], np.nan)
    for cell in results.study["cells"]:
        at = tuple(of.index(cell["levels"][axis]) for axis, of in zip(results.axes, levels, strict=True))
        grid[at] = outcomes.value[outcomes.rows[cell["cell_id"]]]
    return grid


def _whole(grid: Floats) -> tuple[Floats, int]:
    """The seed blocks in which every cell has a value, and the number of the others."""
    whole = ~np.isnan(grid).any(axis=tuple(range(grid.ndim - 1)))
    return grid[..., whole], int((~whole).sum())


def _name(source: tuple[int, ...] | str, results: StudyResults) -> str:
    return _NAMES[source] if isinstance(source, str) else " x ".join(results.axes[each] for each in source)


def _freedom(source: tuple[int, ...] | str, lengths: list[int], shape: tuple[int, ...]) -> int:
    if isinstance(source, tuple):
        return int(np.prod([lengths[each] for each in source]))
    cells = int(np.prod(shape[:-1])) - 1
    if source == "higher":
        axes = range(len(lengths) - 1)
        lower = sum(lengths[one] for one in axes)
        return cells - lower - sum(lengths[one] * lengths[other] for one in axes for other in axes if one < other)
    return lengths[-1] if source == "blocks" else cells * lengths[-1]


def _figure(frame: pd.DataFrame) -> Chart:
    rows = frame.to_dict("records")
    bars = tuple(
        Point(float(row["share"]) * 100, float(at),
              text=f"{row['source']}: {wording.percent(row['share'])} %, "
                   f"{wording.count(row['degrees_of_freedom'], 'degree')} of freedom")
        for at, row in enumerate(rows)
    )  # fmt: skip
    caption = "Share of each source in the total sum of squares of test accuracy."
    return Chart("share of the sum of squares, %", "", (Series("share", bars, bars=True),), caption,
                 rows=tuple(str(row["source"]) for row in rows))  # fmt: skip
