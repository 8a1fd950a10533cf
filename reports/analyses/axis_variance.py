"""How much of the spread of accuracies around a baseline comes from the levels of an axis, and how much from seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series
from reports.family import VERDICT_METRIC
from reports.matching import axis_of, matches
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics.anova import decomposition
from reports.statistics.paired import Floats


class AxisVariance:
    """Shares of the sum of squares over the cells of one axis at a time.

    The frame's columns: axis, levels, blocks (seed blocks that hold all of its levels), blocks_left_out, then
    level_share, block_share (seeds, alike at all levels), residual_share (seeds, differing between levels), and
    by_chance, the share that the levels would take if none differed from another.
    """

    key = "variance"
    title = "Where the spread comes from"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] != "one_factor":
            return "around a baseline, the cells of one axis differ in that axis alone; here they do not"
        return (
            None if len(_frame(results)) else "no axis has two seed blocks that hold all of its levels, with a spread"
        )

    def compute(self, results: StudyResults) -> Card:
        frame = _frame(results)
        rows = tuple(_cells(row) for row in frame.to_dict("records"))
        headers = ("axis", "levels", "seed blocks", "levels %", "by chance alone %", "seed block %",
                   "seed and level together %")  # fmt: skip
        prose = (
            "For each axis the sum of squares of test accuracy over its own cells, the baseline's among them: of its "
            "levels, of the seeds as far as they move all levels alike, and of the rest.",
        )
        caption = (
            "Shares in the sum of squares of test accuracy over the cells of each axis: of its levels, what these "
            "would take by chance alone, of the seed blocks, and of seeds that move levels differently."
        )
        table = Table(headers, rows, (False, *(True,) * 6), caption=caption)
        return Card(self.key, self.title, prose, frame, table, _notes(frame), folded=True,
                    figure=_figure(frame))  # fmt: skip


def _frame(results: StudyResults) -> pd.DataFrame:
    rows = [row for axis in results.axes if (row := _shares(axis, *_values(results, axis)))]
    columns = ["axis", "levels", "blocks", "blocks_left_out", "level_share", "block_share", "residual_share",
               "by_chance"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _values(results: StudyResults, axis: str) -> tuple[Floats, int]:
    """Test accuracy `[levels, blocks]` in the blocks that hold every level that has any value, and how many do not."""
    outcomes = Outcomes.of(results, VERDICT_METRIC)
    pairs = [pair for match in matches(results, axis_of(results, axis)) for pair in match.pairs]
    cells = dict.fromkeys([*(reference for _, reference in pairs), *(level for level, _ in pairs)])
    values = outcomes.value[[outcomes.rows[cell] for cell in cells]]
    values = values[~np.isnan(values).all(axis=1)]
    whole = ~np.isnan(values).any(axis=0)
    return values[:, whole], int((~whole).sum())


def _shares(axis: str, values: Floats, left_out: int) -> dict[str, Any] | None:
    levels, blocks = values.shape
    if levels < 2 or blocks < 2:
        return None
    found = decomposition(values)
    total = sum(found.values())
    if not total > 0:
        return None
    level, block, residual = (found[source] / total for source in ((0,), "blocks", "residual"))
    # Were all levels alike, levels and rest would have equal mean squares on average, of 1 to blocks - 1 d.f.
    return {
        "axis": axis, "levels": levels, "blocks": blocks, "blocks_left_out": left_out, "level_share": level,
        "block_share": block, "residual_share": residual, "by_chance": (1 - block) / blocks,
    }  # fmt: skip


def _cells(row: dict[Any, Any]) -> tuple[str, ...]:
    shares = (row[name] for name in ("level_share", "by_chance", "block_share", "residual_share"))
    return row["axis"], str(row["levels"]), str(row["blocks"]), *(wording.percent(share) for share in shares)


def _notes(frame: pd.DataFrame) -> tuple[str, ...]:
    notes = [
        "A share belongs to the levels that were chosen: one level that fails makes its axis large. Shares of "
        "different axes are of different sums and do not add up. They test nothing: the verdicts are in the "
        "axes' own tables.",
        "By chance alone: what the levels would take on average if none differed from another, given the share of the "
        "seed blocks.",
    ]
    left = frame[frame["blocks_left_out"] > 0]
    if len(left):
        said = [f"{row['axis']} {row['blocks_left_out']}" for row in left.to_dict("records")]
        notes.append(f"Seed blocks left out because a level has no value in them: {wording.listing(said)}.")
    return tuple(notes)


def _figure(frame: pd.DataFrame) -> Chart:
    def points(share: str, *, filled: bool) -> tuple[Point, ...]:
        return tuple(
            Point(float(row[share]) * 100, float(at), filled=filled,
                  text=f"{row['axis']}: {wording.percent(row['level_share'])} % from its {row['levels']} levels, "
                       f"{wording.percent(row['by_chance'])} % by chance alone")
            for at, row in enumerate(frame.to_dict("records"))
        )  # fmt: skip

    caption = (
        "Share of the levels in the sum of squares of test accuracy over the cells of each axis; the mark is the share "
        "that they would take by chance alone, if none differed from another."
    )
    series = (
        Series("levels", points("level_share", filled=True), bars=True),
        Series("by chance alone", points("by_chance", filled=False)),
    )
    return Chart("share of the levels, %", "", series, caption, rows=tuple(str(axis) for axis in frame["axis"]))
