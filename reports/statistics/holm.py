"""Holm's step-down adjustment."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.paired import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Adjusted p values `[m]`; a missing p stays missing but keeps its place in the family.

    A contrast that could not be tested was still asked: leaving it out would make the others easier after the fact.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(np.nan_to_num(p, nan=np.inf), kind="stable")
    stepped = np.maximum.accumulate(np.nan_to_num(p[order], nan=1.0) * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return np.where(np.isnan(p), np.nan, adjusted)
