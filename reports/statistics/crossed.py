"""A bootstrap over seed blocks and test samples at once: what an interval over seeds alone leaves out.

All seeds share one test set. Two equally good levels may differ on it by the luck of its samples, and no number of
seeds shows that; drawing the samples anew as well does. Percentile interval with independent resampling of both
factors (Owen 2007, The pigeonhole bootstrap): conservative where most of the spread is of single predictions.
"""

from __future__ import annotations

import numpy as np

from reports.statistics.paired import Floats

REPLICATES = 2000


def crossed_interval(differences: Floats, *, seed: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of `differences` `[blocks, samples]`; NaN below two blocks or samples.

    The blocks are drawn anew one by one. Of the samples drawn anew only their mean is needed; over the draws it is
    normal for any usual test set, with the variance that the drawn blocks give it, and so it is drawn itself.

    Args:
        differences: level minus reference of every block and test sample, in [-1, 1].
        seed: of the resampling; the same gives the same interval.
        confidence: of the interval.
    """
    blocks, samples = differences.shape
    if blocks < 2 or samples < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=REPLICATES) / blocks
    variance = ((weights @ np.cov(differences, bias=True)) * weights).sum(axis=1) / samples
    # Without any spread the variance is zero up to rounding, on either side.
    means = weights @ differences.mean(axis=1) + np.sqrt(np.maximum(variance, 0)) * rng.standard_normal(REPLICATES)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    # Rounded, so that the last bits, in which processors differ, change no file.
    return round(float(low), 12), round(float(high), 12)
