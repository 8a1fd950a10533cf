"""Levels whose runs came out the same to the last digit: under these settings they are one function, not a finding."""

from __future__ import annotations

import numpy as np

from reports.levels import level_cells
from reports.outcomes import Outcomes
from reports.results import StudyResults

# Measured on real numbers, so that two different networks do not agree by chance as they may in accuracy.
_FINE = ("val_loss", "firing_rate")


def twins(results: StudyResults, axis: str) -> tuple[tuple[str, ...], ...]:
    """Groups of levels with equal validation loss and firing rate in every seed block of every cell, at least two.

    Levels with different numbers of cells or without a value of either metric are in no group.
    """
    found: dict[tuple[bytes, ...], list[str]] = {}
    metrics = [Outcomes.of(results, metric) for metric in _FINE if metric in results.runs]
    for level, ids in level_cells(results, axis).items():
        values = [metric.value[[metric.rows[each] for each in ids]] for metric in metrics if ids]
        if [each for each in values if not np.isnan(each).all()]:
            found.setdefault(tuple(each.tobytes() for each in values), []).append(level)
    return tuple(tuple(levels) for levels in found.values() if len(levels) > 1)
