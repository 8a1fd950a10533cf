"""Functional analysis of variance of a random forest: how much of its predictions' variance each axis accounts for.

A tree is a step function over boxes, so shares follow exactly from the boxes' lengths and overlaps, with every axis
uniform over its range (Hutter, Hoos and Leyton-Brown 2014, An Efficient Approach for Assessing Hyperparameter
Importance). The main share of an axis is the variance of its marginal; the total share, one minus that of the marginal
of all other axes, also counts its interactions (Sobol 1993; Homma and Saltelli 1996).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.statistics.paired import Floats

_TREES, _LEAVES = 64, 128


def shares(x: Floats, y: Floats, ranges: Floats, *, seed: int, trees: int = _TREES,
           scored: bool = True) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Main and total shares `[axes]` of a forest's variance, means over trees, and its out-of-bag R squared.

    Args:
        x: values of the axes `[cells, axes]`, levels coded 0, 1, 2 ...
        y: the metric `[cells]`.
        ranges: low and high of each axis `[axes, 2]`; of k coded levels -0.5 and k - 0.5.
        seed: of the forest; the same gives the same shares.
        trees: in the forest.
        scored: whether R squared is wanted, else it is NaN: with few trees some cell is in the bag of every one.
    """
    from sklearn.ensemble import RandomForestRegressor  # slow to import, and few guides are of searches

    forest = RandomForestRegressor(trees, max_leaf_nodes=_LEAVES, oob_score=scored, random_state=seed)
    forest.fit(x, y)
    found = [_tree_shares(*boxes(each.tree_, ranges)) for each in forest.estimators_]
    kept = [each for each in found if each is not None]
    if not kept:
        nothing = np.zeros(x.shape[1])
        return nothing, nothing, 0.0
    main, total = np.mean(kept, axis=0)
    return main, total, float(forest.oob_score_) if scored else float("nan")


def boxes(tree: Any, ranges: Floats) -> tuple[Floats, Floats]:
    """Leaves of a fitted tree: their boxes `[leaves, axes, 2]` as shares of the ranges, and their values `[leaves]`."""
    found: list[tuple[Floats, float]] = []
    waiting = [(0, ranges.copy())]
    while waiting:
        node, box = waiting.pop()
        left, right = tree.children_left[node], tree.children_right[node]
        if left < 0:
            found.append((box, float(tree.value[node].ravel()[0])))
            continue
        axis, threshold = tree.feature[node], tree.threshold[node]
        below, above = box.copy(), box.copy()
        below[axis, 1], above[axis, 0] = min(box[axis, 1], threshold), max(box[axis, 0], threshold)
        waiting += [(left, below), (right, above)]
    low, length = ranges[:, :1], ranges[:, 1:] - ranges[:, :1]
    return np.array([(box - low) / length for box, _ in found]), np.array([value for _, value in found])


def _tree_shares(box: Floats, value: Floats) -> NDArray[np.float64] | None:
    """Main and total shares `[2, axes]` of one tree; None where it predicts one value."""
    width = np.maximum(box[..., 1] - box[..., 0], 0.0)
    mean = float(width.prod(axis=1) @ value)
    variance = float(width.prod(axis=1) @ (value - mean) ** 2)
    if variance <= 1e-15:
        return None
    centred = value - mean
    low = np.maximum(box[:, None, :, 0], box[None, :, :, 0])
    high = np.minimum(box[:, None, :, 1], box[None, :, :, 1])
    overlap, product = np.maximum(high - low, 0.0), width[:, None, :] * width[None, :, :]
    axes = range(box.shape[1])
    of = np.empty((2, box.shape[1]))
    for axis in axes:
        others = [each for each in axes if each != axis]
        alone = overlap[..., axis] * product[..., others].prod(axis=-1)
        rest = product[..., axis] * overlap[..., others].prod(axis=-1)
        of[:, axis] = centred @ alone @ centred, variance - centred @ rest @ centred
    shares: NDArray[np.float64] = np.clip(of / variance, 0.0, 1.0)
    return shares
