"""Paired differences over seed blocks: moments, Student t intervals and tests, effect size, exact sign-flip test.

Arrays are `[contrasts, blocks]`, missing blocks are NaN. The special functions are those under `scipy.stats.t`;
they are called directly because importing `scipy.stats` takes longer than a whole guide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

# Two accuracies that differ by the same count of images give differences a few ulp apart: that is no spread.
_ROUNDING = 1e-12
_LARGEST_EXACT = 20


@dataclass(frozen=True)
class Moments:
    """Per contrast `[m]`: blocks `n`, `mean` and standard deviation `sd` of the differences, standard error `se`.

    `degenerate` marks two or more blocks without spread: there the interval is the point and no test exists.
    """

    n: NDArray[np.int64]
    mean: Floats
    sd: Floats
    se: Floats
    degenerate: NDArray[np.bool_]

    @property
    def testable(self) -> NDArray[np.bool_]:
        """Two blocks or more, with spread."""
        return (self.n >= 2) & ~self.degenerate


def moments(differences: ArrayLike, scale: ArrayLike = 1.0) -> Moments:
    """Moments of differences `[m, blocks]`; `scale` `[m]` is the size of the values that were subtracted."""
    values = np.atleast_2d(np.asarray(differences, dtype=np.float64))
    there = ~np.isnan(values)
    n = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=1) / np.where(n > 0, n, np.nan)
        squares = np.where(there, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
        sd = np.sqrt(squares / np.where(n > 1, n - 1, np.nan))
    degenerate = (n >= 2) & (np.nan_to_num(sd) <= _ROUNDING * np.asarray(scale, dtype=np.float64))
    sd = np.where(degenerate, 0.0, sd)
    return Moments(n, mean, sd, sd / np.sqrt(np.maximum(n, 1)), degenerate)


def interval(of: Moments, confidence: float | Floats = 0.95) -> tuple[Floats, Floats]:
    """Student t interval of the mean, `[m]` each; the point where there is no spread, NaN below two blocks.

    `confidence` is one for all or one for each.
    """
    half = np.where(of.testable, stdtrit(np.maximum(of.n - 1, 1), 0.5 + confidence / 2) * of.se, 0.0)
    usable = of.n >= 2
    return np.where(usable, of.mean - half, np.nan), np.where(usable, of.mean + half, np.nan)


def two_sided(of: Moments) -> Floats:
    """Two-sided p of the paired t test against no difference; NaN where it does not exist."""
    return np.where(of.testable, 2 * stdtr(np.maximum(of.n - 1, 1), -np.abs(_t(of, 0.0))), np.nan)


def one_sided(of: Moments, against: ArrayLike, *, greater: bool) -> Floats:
    """p of the one-sided t tests of a mean `greater` than `against` `[m]`, or less; NaN where no test exists."""
    t = _t(of, np.asarray(against, dtype=np.float64))
    return np.where(of.testable, stdtr(np.maximum(of.n - 1, 1), -t if greater else t), np.nan)


def within_margin(of: Moments, margin: float) -> Floats:
    """Larger p of the two one-sided t tests against -margin and +margin (Schuirmann's TOST)."""
    return np.maximum(one_sided(of, -margin, greater=True), one_sided(of, margin, greater=False))


def t_value(of: Moments) -> Floats:
    """The t statistic against no difference; NaN where it does not exist."""
    return np.where(of.testable, _t(of, 0.0), np.nan)


def _t(of: Moments, against: float | Floats) -> Floats:
    return np.nan_to_num(of.mean - against) / np.where(of.testable, of.se, 1.0)


def effect_size(of: Moments) -> Floats:
    """Standardised mean difference d_z with Hedges' correction 1 - 3 / (4 df - 1).

    NaN below three blocks: at one degree of freedom the correction is zero whatever the data.
    """
    usable = of.testable & (of.n >= 3)
    df = np.maximum(of.n - 1, 2)
    return np.where(usable, of.mean / np.where(usable, of.sd, 1.0) * (1 - 3 / (4 * df - 1)), np.nan)


def sign_flip(differences: ArrayLike, threshold: float) -> float:
    """Exact two-sided p when every difference could as well have had the other sign.

    NaN where even the most extreme data could not reach `threshold` (2^(1-n) above it), without data, and above
    20 blocks, where the enumeration is no longer quick.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not 0 < values.size <= _LARGEST_EXACT or 2.0 ** (1 - values.size) > threshold:
        return float("nan")
    first, *others = values.tolist()
    sums = np.array([first])  # by symmetry one sign can stay fixed
    for value in others:
        sums = np.concatenate([sums + value, sums - value])
    slack = _ROUNDING * np.abs(values).sum()
    return float(np.mean(np.abs(sums) >= abs(values.sum()) - slack))


def correlation(level: ArrayLike, reference: ArrayLike) -> float:
    """Correlation of the paired values over blocks; NaN below three pairs or where one side is constant."""
    pairs = np.vstack([np.asarray(level, dtype=np.float64), np.asarray(reference, dtype=np.float64)])
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    if pairs.shape[1] < 3 or np.ptp(pairs, axis=1).min() <= _ROUNDING:
        return float("nan")
    return float(np.atleast_2d(np.corrcoef(pairs))[0, 1])


def improvement(level: ArrayLike, reference: ArrayLike, *, maximize: bool) -> float:
    """Share of matched pairs in which the level wins, ties counting one half; NaN without pairs."""
    gain = np.atleast_1d(np.asarray(level, dtype=np.float64) - np.asarray(reference, dtype=np.float64))
    gain = gain[~np.isnan(gain)] * (1 if maximize else -1)
    wins, ties = (gain > _ROUNDING).sum(), (np.abs(gain) <= _ROUNDING).sum()
    return float((wins + ties / 2) / gain.size) if gain.size else float("nan")
