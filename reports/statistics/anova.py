"""Sums of squares of a complete, balanced factorial design with seed blocks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from reports.statistics.paired import Floats


def sum_of_squares(values: Floats, factors: Sequence[int]) -> float:
    """Sum of squares of one effect: a main effect for one factor, their interaction for several.

    Args:
        values: one dimension a factor, none missing.
        factors: dimensions of the effect.

    Source: Montgomery, Design and Analysis of Experiments, chapter 5: effects as marginal means, centred along every
    factor; in a balanced design they are orthogonal.
    """
    others = tuple(each for each in range(values.ndim) if each not in factors)
    effect = values.mean(axis=others, keepdims=True)
    for factor in factors:
        effect = effect - effect.mean(axis=factor, keepdims=True)
    return float((effect**2).sum()) * values.size / effect.size


def decomposition(values: Floats) -> dict[tuple[int, ...] | str, float]:
    """Sums of squares of main effects and two-way interactions by their dimensions, and of the rest.

    Args:
        values: `[levels of axis 0, levels of axis 1, ..., seed blocks]`, none missing.

    Returns:
        Tuples of axes, then `higher` (interactions of three axes and more), `blocks` (seeds alike in all cells) and
        `residual` (seeds differing between cells). They add up to the total sum of squares.
    """
    axes, blocks = range(values.ndim - 1), values.ndim - 1
    found: dict[tuple[int, ...] | str, float] = {
        chosen: sum_of_squares(values, chosen) for size in (1, 2) for chosen in combinations(axes, size)
    }
    cells = values.mean(axis=blocks)
    between = float(((cells - cells.mean()) ** 2).sum()) * values.shape[blocks]
    of_blocks = sum_of_squares(values, (blocks,))
    total = float(((values - values.mean()) ** 2).sum())
    found["higher"] = max(between - sum(found.values()), 0.0) if len(axes) > 2 else 0.0
    found["blocks"] = of_blocks
    found["residual"] = max(total - between - of_blocks, 0.0)
    return found
