"""What a number of seed blocks can and cannot tell, in units of the standard deviation of the differences."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, gammaincinv, nctdtr, ndtr, stdtrit

from reports.statistics.paired import Floats
from reports.statistics.sequential import Stage

_LARGEST = 1e4
_NEVER = 1e4
"""A critical value in standard errors that nothing reaches: the first look of a scheme may be as strict as that."""
_MOST_BLOCKS = 1_000_000


def detectable_effect(
    blocks: int, contrasts: int, *, power: float = 0.8, alpha: float = 0.05, stage: Stage | None = None
) -> float:
    """Smallest true difference, in SD of the differences, that a paired t test at alpha/contrasts finds with `power`.

    Bonferroni's level is what Holm's procedure grants its smallest p; NaN below two blocks. At the `stage` of a
    declared scheme of looks the test is that of this look; infinite where that finds none.
    """
    if blocks < 2:
        return float("nan")
    critical = stdtrit(blocks - 1, 1 - _level(alpha / contrasts, stage) / 2)
    if critical > _NEVER:
        return float("inf")

    def reached(effect: float) -> float:
        return float(1 - nctdtr(blocks - 1, effect * np.sqrt(blocks), critical)) - power

    # Bracketed from below: far beyond the solution the distribution function has no digits left and gives NaN.
    enough = 1 / np.sqrt(blocks)
    while reached(enough) < 0:
        enough *= 2
    return float(brentq(reached, 0.0, enough))


def equivalence_sd(
    blocks: int, contrasts: int, *, power: float = 0.8, alpha: float = 0.05, stage: Stage | None = None
) -> float:
    """Largest SD of the differences, in margins, at which two equal levels are found equivalent with `power`.

    Integrates the two one-sided tests over the distribution of the sample SD; NaN below two blocks. `stage` as in
    `detectable_effect`, 0 where its look finds none; a path that crosses both boundaries is left out of account.
    """
    if blocks < 2:
        return float("nan")
    df = blocks - 1
    critical = stdtrit(df, 1 - _level(2 * alpha / contrasts, stage) / 2)
    if critical > _NEVER:
        return 0.0
    grid = (np.arange(2000) + 0.5) / 2000
    sample_sd = np.sqrt(2 * gammaincinv(df / 2, grid) / df)  # in units of the true SD

    def reached(sd: float) -> float:
        room = np.maximum(np.sqrt(blocks) / sd - critical * sample_sd, 0.0)
        return float(np.mean(2 * ndtr(room) - 1)) - power

    return float(brentq(reached, 1e-6, _LARGEST))


def _level(alpha: float, stage: Stage | None) -> float:
    """Two-sided level of a test at this look that keeps `alpha` over all looks."""
    return stage.alpha(alpha) if stage else alpha


def pooled_sd(sds: Floats, blocks: np.ndarray) -> tuple[float, float, float]:
    """SD pooled over contrasts with its 95 % interval.

    The interval takes the contrasts as independent; they share the reference's runs, so it is a little too narrow.
    """
    df = np.where(np.isnan(sds), 0, blocks - 1)
    total = int(df.sum())
    if total < 1:
        return (float("nan"),) * 3
    squares = float((np.nan_to_num(sds) ** 2 * df).sum())
    low, high = squares / chdtri(total, 0.025), squares / chdtri(total, 0.975)
    return float(np.sqrt(squares / total)), float(np.sqrt(low)), float(np.sqrt(high))


def blocks_for_half_width(sd: float, half_width: float, contrasts: int, *, alpha: float = 0.05) -> int | None:
    """Fewest seed blocks whose interval at 1 - alpha/contrasts reaches at most `half_width` to either side.

    Args:
        sd: standard deviation of the paired differences, in the unit of `half_width`, taken as known.
        half_width: what the interval shall reach.
        contrasts: size of the family.

    Returns:
        The number, at least 2; None where the SD is unknown or a million blocks are too few.
    """

    def reached(blocks: int) -> bool:
        return bool(stdtrit(blocks - 1, 1 - alpha / contrasts / 2) * sd / np.sqrt(blocks) <= half_width)

    enough = 2
    while not reached(enough):
        enough *= 2
        if not enough < _MOST_BLOCKS:
            return None
    return bisect_left(range(enough), True, lo=max(2, enough // 2), key=reached)
