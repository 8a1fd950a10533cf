"""An interval for other settings of the remaining axes too: cells and seed blocks as crossed random effects.

The primary interval of a factorial contrast is over seeds, for exactly the matched cells. Here the cells count as a
sample too: d[cell, block] = mu + cell + block + error, with the mean squares of the balanced two-way layout. The
variance of the mean is estimated by (MS_cell + MS_block - MS_error) / (cells x blocks), with Satterthwaite's degrees of
freedom (Searle, Casella and McCulloch 1992, Variance Components, chapter 4). Simulated coverage of nominal 95 %: 94 to
99 % from four cells on, 90 to 98 % with two (docs/statistics.md).
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from reports.statistics.paired import Floats


def mean_squares(differences: Floats) -> tuple[float, float, float]:
    """Mean squares of cells, blocks and error of `[cells, blocks]`, two of each or more and none missing."""
    cells, blocks = differences.shape
    mean, by_cell, by_block = differences.mean(), differences.mean(axis=1), differences.mean(axis=0)
    rest = differences - by_cell[:, None] - by_block[None, :] + mean
    return (
        float(blocks * ((by_cell - mean) ** 2).sum() / (cells - 1)),
        float(cells * ((by_block - mean) ** 2).sum() / (blocks - 1)),
        float((rest**2).sum() / ((cells - 1) * (blocks - 1))),
    )


def settings_interval(differences: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean over other settings and other seeds; NaN below two cells or two blocks.

    Never narrower than the paired t interval over blocks. Without any spread it is the point.

    Args:
        differences: level minus reference `[cells, blocks]`; blocks in which a cell is missing are left out.
        confidence: of the interval.
    """
    whole = differences[:, ~np.isnan(differences).any(axis=0)]
    cells, blocks = whole.shape
    if cells < 2 or blocks < 2:
        return float("nan"), float("nan")
    of_cells, of_blocks, of_error = mean_squares(whole)
    size, quantile = cells * blocks, 0.5 + confidence / 2
    half = stdtrit(blocks - 1, quantile) * np.sqrt(of_blocks / size)
    variance = of_cells + of_blocks - of_error
    if variance > 0:
        parts = of_cells**2 / (cells - 1) + of_blocks**2 / (blocks - 1) + of_error**2 / ((cells - 1) * (blocks - 1))
        half = max(half, stdtrit(max(variance**2 / parts, 1.0), quantile) * np.sqrt(variance / size))
    mean = float(whole.mean())
    return mean - float(half), mean + float(half)
