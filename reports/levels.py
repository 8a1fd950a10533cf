"""What each level of an axis reached and what it cost: means over the seed blocks of its cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports.costs import COSTS
from reports.family import VERDICT_METRIC
from reports.matching import axis_of, levels_of, matches
from reports.once import once_per_study
from reports.outcomes import Outcomes, State
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.paired import Floats


def level_summary(results: StudyResults, axis: str) -> pd.DataFrame:
    """One row per level, the reference first.

    Columns: level, cells, seeds (blocks in which all its cells have a value), accuracy with accuracy_low and
    accuracy_high (95 % t interval over blocks), diverged, lost, planned (runs), then the mean of each of `COSTS`.
    """
    return _level_summary(results, axis).copy()


@once_per_study
def _level_summary(results: StudyResults, axis: str) -> pd.DataFrame:
    cells = level_cells(results, axis)
    accuracy = Outcomes.of(results, VERDICT_METRIC)
    costs = {metric: Outcomes.of(results, metric) for metric in COSTS}
    rows = []
    for level, ids in cells.items():
        at = [accuracy.rows[each] for each in ids]
        states = accuracy.state[at]
        of = paired.moments(accuracy.value[at].mean(axis=0) if at else np.full(1, np.nan))
        low, high = paired.interval(of)
        rows.append({
            "level": level, "cells": len(ids), "seeds": int(of.n[0]),
            "accuracy": of.mean[0], "accuracy_low": low[0], "accuracy_high": high[0],
            "diverged": int((states == State.DIVERGED).sum()), "lost": int((states == State.LOST).sum()),
            "planned": int(states.size), **{metric: _mean(costs[metric].value[at]) for metric in COSTS},
        })  # fmt: skip
    return pd.DataFrame(rows)


def level_cells(results: StudyResults, axis: str) -> dict[str, tuple[str, ...]]:
    """Cells behind each level's row, reference first: those its contrasts use, so that the rows are comparable."""
    description = axis_of(results, axis)
    contrasts = matches(results, description)
    below = [pair[1] for match in contrasts for pair in match.pairs]
    if not below:
        below = [cell["cell_id"] for cell in results.study["cells"] if not cell["varied"]]
    found = {match.level: tuple(pair[0] for pair in match.pairs) for match in contrasts}
    return {description["reference"]: tuple(dict.fromkeys(below))} | {x: found[x] for x in levels_of(description)}


def _mean(values: Floats) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else float("nan")
