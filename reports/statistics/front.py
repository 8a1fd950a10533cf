"""Pareto fronts: which cells no other beats in value and cost at once, and how surely, over seed blocks."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb, factorial, prod

import numpy as np
from numpy.typing import NDArray

from reports.statistics.paired import Floats

_RESAMPLES = 2_000
_AT_ONCE = 1_000


def on_front(value: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Whether each cell is on the front: none has at least its value at no more cost, and one of them strictly better.

    Args:
        value: more is better, `[..., cells]`.
        cost: less is better, `[..., cells]`.
    """
    order = np.lexsort((-value, cost), axis=-1)
    values, costs = np.take_along_axis(value, order, -1), np.take_along_axis(cost, order, -1)
    first = np.full((*value.shape[:-1], 1), -np.inf)
    best = np.concatenate([first, np.maximum.accumulate(values, axis=-1)[..., :-1]], axis=-1)
    higher = values > best
    reached = np.maximum.accumulate(np.where(higher, np.arange(value.shape[-1]), 0), axis=-1)
    front = higher | ((values == best) & (costs == np.take_along_axis(costs, reached, -1)))
    found = np.empty_like(front)
    np.put_along_axis(found, order, front, -1)
    return found


def probability_on_front(value: Floats, cost: Floats, *, seed: int = 0) -> Floats:
    """Share of bootstrap resamples of the seed blocks in which each cell's mean is on the front.

    A resample takes the same blocks for all cells, as the design does (Efron and Tibshirani 1993, chapter 6). Up to
    seven blocks all resamples are counted, each as often as it comes about; of more, 2,000 are drawn.

    Args:
        value: `[cells, blocks]`, none missing.
        cost: as `value`.
        seed: of the resampling; the same seed gives the same shares.
    """
    blocks = value.shape[1]
    weights, share = _every(blocks) if comb(2 * blocks - 1, blocks) <= _RESAMPLES else _drawn(blocks, seed)
    parts = 1 + value.size // _AT_ONCE
    found = np.zeros(len(value))
    for some, often in zip(np.array_split(weights / blocks, parts), np.array_split(share, parts), strict=True):
        # Rounded, so that cells with equal runs tie in every resample whatever the order of the sum.
        found += often @ on_front((some @ value.T).round(12), (some @ cost.T).round(9))
    return found.round(12)


def _drawn(blocks: int, seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Different resamples, as how often each block is in them `[resamples, blocks]`, and their shares."""
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=_RESAMPLES)
    weights, times = np.unique(drawn, axis=0, return_counts=True)
    return weights, times / _RESAMPLES


def _every(blocks: int) -> tuple[NDArray[np.int64], Floats]:
    """All of them with their multinomial probabilities."""
    chosen = np.array(list(combinations_with_replacement(range(blocks), blocks)))
    weights = (chosen[:, :, None] == np.arange(blocks)).sum(axis=1)
    ways = np.array([factorial(blocks) / prod(map(factorial, each)) for each in weights.tolist()])
    return weights, ways / blocks**blocks
