"""A bootstrap over seed blocks and test samples at once: what an interval over seeds alone leaves out.

All seeds share one test set. Two equally good levels may differ on it by the luck of its samples, and no number of
seeds shows that; drawing the samples anew as well does. Percentile interval with independent resampling of both
factors (Owen 2007, The pigeonhole bootstrap): conservative where most of the spread is of single predictions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports.statistics.paired import Floats

REPLICATES = 1000
_AT_ONCE = 2_000_000


def crossed_interval(differences: Floats, *, seed: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of `differences` `[blocks, samples]`; NaN below two blocks or samples.

    Args:
        differences: level minus reference of every block and test sample, in [-1, 1].
        seed: of the resampling; the same gives the same interval.
        confidence: of the interval.
    """
    blocks, samples = differences.shape
    if blocks < 2 or samples < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    # Samples on which all blocks agree in their differences are alike: draw how often each kind comes, not each sample.
    kinds, counts = np.unique(differences.T, axis=0, return_counts=True)
    block_weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=REPLICATES) / blocks
    means = np.concatenate([
        ((_kind_weights(rng, counts, len(chunk)) @ kinds) * chunk).sum(axis=1)
        for chunk in np.array_split(block_weights, 1 + REPLICATES * len(kinds) // _AT_ONCE)
    ])  # fmt: skip
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _kind_weights(rng: np.random.Generator, counts: NDArray[np.int64], size: int) -> Floats:
    samples = counts.sum()
    weights: Floats = rng.multinomial(samples, counts / samples, size=size) / samples
    return weights
