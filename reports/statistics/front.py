"""Pareto fronts: which cells no other beats in value and cost at once, and how surely, over seed blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports.statistics.paired import Floats

_RESAMPLES = 2_000


def on_front(value: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Whether each cell is on the front: none has at least its value at no more cost, and one of them strictly better.

    Args:
        value: more is better, `[..., cells]`.
        cost: less is better, `[..., cells]`.
    """
    order = np.lexsort((-value, cost), axis=-1)
    values, costs = np.take_along_axis(value, order, -1), np.take_along_axis(cost, order, -1)
    front = np.zeros(value.shape, bool)
    best, price = np.full(value.shape[:-1], -np.inf), np.full(value.shape[:-1], -np.inf)
    for at in range(value.shape[-1]):
        higher = values[..., at] > best
        front[..., at] = higher | ((values[..., at] == best) & (costs[..., at] == price))
        best, price = np.where(higher, values[..., at], best), np.where(higher, costs[..., at], price)
    found = np.empty_like(front)
    np.put_along_axis(found, order, front, -1)
    return found


def probability_on_front(value: Floats, cost: Floats, *, seed: int = 0) -> Floats:
    """Share of bootstrap resamples of the seed blocks in which each cell's mean is on the front.

    A resample takes the same blocks for all cells, as the design does (Efron and Tibshirani 1993, chapter 6).

    Args:
        value: `[cells, blocks]`, none missing.
        cost: as `value`.
        seed: of the resampling; the same seed gives the same shares.
    """
    blocks = value.shape[1]
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=_RESAMPLES) / blocks
    # Rounded, so that cells with equal runs tie in every resample whatever the order of the sum.
    share: Floats = on_front((drawn @ value.T).round(12), (drawn @ cost.T).round(9)).mean(axis=0)
    return share
