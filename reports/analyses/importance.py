"""Which axes of a search its metric hangs on, by a forest: a hint where to look, never the size of an effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.once import once_per_study
from reports.results import StudyResults
from reports.statistics.fanova import shares
from reports.statistics.paired import Floats

_FEWEST, _FEW = 10, 50
_RESAMPLES, _TREES = 20, 16


class Importance:
    """Importance of the axes of a search for its first objective (functional ANOVA of a random forest).

    The frame's columns: axis, main (share of the variance by its marginal alone), total (with its interactions), each
    with the 10 % and 90 % quantiles over resampled cells (main_low, main_high, total_low, total_high).
    """

    key = "importance"
    title = "What the search hangs on"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] != "search":
            return "importance is for searches: a design with matched cells has effects"
        _, y, _, names = _table(results)
        if len(y) < _FEWEST:
            return f"{wording.count(len(y), 'cell')} complete, too few for a forest: {_FEWEST} are needed"
        if not names:
            return "no axis took two values"
        return None if np.ptp(y) > 0 else "all cells reached the same"

    def compute(self, results: StudyResults) -> Card:
        metric = str(results.study["search"]["objectives"][0]["metric"])
        frame, cells, explained = _grown(results, metric)
        rows = tuple(
            (row["axis"], *(_share(row, kind) for kind in ("total", "main"))) for row in frame.to_dict("records")
        )
        headers = ("axis", "share with interactions % (10 to 90 %)", "share alone % (10 to 90 %)")
        caption = (
            f"Importance of the axes for {metric}: shares of the variance of a random forest's predictions (fANOVA), "
            "with quantiles over resampled cells."
        )
        table = Table(headers, rows, (False, True, True), caption=caption)
        return Card(self.key, self.title, tuple(_prose(metric, cells, explained)), frame.copy(), table, _NOTES,
                    folded=True)  # fmt: skip


_NOTES = (
    "Shares of the variance of a random forest's predictions over the searched space, every axis uniform (fANOVA, "
    "Hutter et al. 2014). They depend on the ranges that were searched and say neither which level is better nor by "
    "how much: an importance is no effect.",
    "Shares with interactions add up to more than 100 % where axes act together. The quantiles are over resampled "
    "cells: they show how far the sampled cells decide the shares and are no confidence intervals.",
)


@once_per_study
def _grown(results: StudyResults, metric: str) -> tuple[pd.DataFrame, int, float]:
    """The frame of the card, the number of cells and R squared; grown once for the files and the terminal."""
    x, y, ranges, names = _table(results)
    main, total, explained = shares(x, y, ranges, seed=0)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(y), size=len(y)) for _ in range(_RESAMPLES)]
    again = np.array([shares(x[at], y[at], ranges, seed=1, trees=_TREES, scored=False)[:2] for at in drawn])
    low, high = np.quantile(again, [0.1, 0.9], axis=0)
    frame = pd.DataFrame({
        "axis": names, "main": main, "main_low": low[0], "main_high": high[0],
        "total": total, "total_low": low[1], "total_high": high[1],
    }).round(12)  # fmt: skip
    return frame.sort_values(["total", "axis"], ascending=[False, True], ignore_index=True), len(y), explained


def _prose(metric: str, cells: int, explained: float) -> list[str]:
    fit = wording.fixed(max(explained, 0.0) * 100, 0)
    sentences = [
        f"A forest over {wording.count(cells, 'complete cell')} explains {fit} % of the variance of {metric} in cells "
        "that it was not fitted to."
    ]
    if explained < 0.3:
        sentences.append("It predicts them badly, so its shares say little.")
    if cells < _FEW:
        sentences.append(f"With fewer than {_FEW} cells the order of the axes may be chance.")
    return sentences


def _share(row: dict[Any, Any], kind: str) -> str:
    low, high = (wording.fixed(row[f"{kind}_{end}"] * 100, 0) for end in ("low", "high"))
    return f"{wording.fixed(row[kind] * 100, 0)} ({low} to {high})"


def _table(results: StudyResults) -> tuple[Floats, Floats, Floats, list[str]]:
    """Coded values `[cells, axes]`, means of the first objective `[cells]`, ranges `[axes, 2]` and names of the axes.

    Cells count that are complete in every seed; axes that took one value alone are left out.
    """
    metric = results.study["search"]["objectives"][0]["metric"]
    runs = results.runs[(results.runs["status"] == "complete") & results.runs[metric].notna()]
    reached = runs.assign(value=runs[metric].astype(float)).groupby("cell_id")["value"].agg(["mean", "size"])
    whole = reached[reached["size"] == len(results.study["seeds"])]["mean"]
    cells = [cell for cell in results.study["cells"] if cell["cell_id"] in whole.index]
    columns, ranges, names = [], [], []
    for axis in results.study["axes"]:
        column, span = _coded(axis, [str(cell["levels"][axis["name"]]) for cell in cells])
        if len(set(column)) > 1:
            columns.append(column)
            ranges.append(span)
            names.append(str(axis["name"]))
    y = np.array([float(whole[cell["cell_id"]]) for cell in cells])
    return np.array(columns, float).reshape(len(names), len(cells)).T, y, np.array(ranges, float), names


def _coded(axis: Any, levels: list[str]) -> tuple[list[float], tuple[float, float]]:
    """Numbers of a range, on its own scale, from the least to the largest sampled; levels of a list by their place."""
    if axis.get("range"):
        try:
            numbers = [float(level) for level in levels]
        except ValueError:  # a baseline outside of the range that is no number
            numbers = []
        if numbers:
            scaled = [float(np.log(each)) for each in numbers] if str(axis["range"]).endswith(" log") else numbers
            return scaled, (min(scaled), max(scaled))
    there = set(levels)
    known = dict.fromkeys([*map(str, axis["levels"]), *sorted(there)])
    place = {level: float(at) for at, level in enumerate(level for level in known if level in there)}
    return [place[level] for level in levels], (-0.5, len(place) - 0.5)
