"""Group-sequential looks: p values and confidence that stay honest when a study is looked at while it grows.

Whoever looks after 5 seeds and again after 10, and would have stopped at the first, has two chances to be fooled. A
scheme that is declared beforehand shares the error among its looks: at each one the test is held against a boundary so
high that under no difference *any* of them crosses it with probability alpha. Boundaries are constants of Pocock (1977:
the same at every look) or of O'Brien and Fleming (1979: high at first, near the usual one at the last look).

For standard normal statistics with independent increments the probabilities follow by recursive integration (Armitage,
McPherson and Rowe 1969). Student's t with few blocks is no such statistic; its p value is turned into that of a normal
one first, which keeps the error close to alpha (Jennison and Turnbull 2000, section 3.8, the significance level
approach). Repeated p values and intervals: there, chapter 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from reports.statistics.paired import Floats

Boundary = Literal["obrien_fleming", "pocock"]
BOUNDARIES: tuple[Boundary, ...] = ("obrien_fleming", "pocock")

_NODES = 160
_FAR = 9.0
"""Standard deviations beyond which a normal density has nothing left to integrate."""


@dataclass(frozen=True)
class Stage:
    """One look of a declared scheme.

    Attributes:
        at: seed blocks of every look of the scheme, increasing.
        look: which of them this is, from 0.
        boundary: how the error is shared among them.
    """

    at: tuple[int, ...]
    look: int
    boundary: Boundary = "obrien_fleming"

    def two_sided(self, p: Floats) -> Floats:
        """Repeated p values of two-sided p values of this look alone; NaN stays NaN."""
        return self._repeated(p, sides=2)

    def one_sided(self, p: Floats) -> Floats:
        """Repeated p values of one-sided p values of this look alone; NaN stays NaN."""
        return self._repeated(p, sides=1)

    def alpha(self, alpha: float, *, sides: int = 2) -> float:
        """Level at which a test of this look alone, two-sided or one-sided, keeps `alpha` over all looks."""
        constant = _constant(self.at, self.boundary, alpha, sides)
        return float(sides * ndtr(-constant / self._weight()))

    def _weight(self) -> float:
        """The scheme's constant in units of this look's own boundary."""
        return float(np.sqrt(self.at[self.look] / self.at[-1])) if self.boundary == "obrien_fleming" else 1.0

    def _repeated(self, p: Floats, *, sides: int) -> Floats:
        found = np.full_like(p, np.nan)
        for place, value in np.ndenumerate(p):
            if not np.isnan(value):
                constant = _quantile(value / sides) * self._weight()
                # Not below the p value itself: that of one look among several can only be larger.
                found[place] = min(1.0, max(value, crossing(self.at, self.boundary, constant, sides=sides)))
        return found


def _quantile(tail: float) -> float:
    """The standard normal quantile with `tail` above it, also where 1 - tail is 1."""
    return float(-ndtri_exp(np.log(max(tail, 1e-300)))) if tail < 0.5 else float(-ndtri(tail))


@lru_cache(maxsize=256)
def _constant(at: tuple[int, ...], boundary: Boundary, alpha: float, sides: int) -> float:
    return float(brentq(lambda each: crossing(at, boundary, each, sides=sides) - alpha, 0.0, _FAR, xtol=1e-10))


def crossing(at: Sequence[int], boundary: Boundary, constant: float, *, sides: int = 2) -> float:
    """Probability that a path without drift crosses the boundary at any look of the scheme.

    Args:
        at: seed blocks of the looks, increasing; they are its information.
        boundary: its shape.
        constant: of the shape; the boundary itself for Pocock, that of the last look for O'Brien and Fleming.
        sides: whether both signs count (2) or only the positive (1).
    """
    times = np.asarray(at, dtype=np.float64) / at[-1]
    heights = constant * (np.sqrt(times) if boundary == "pocock" else np.ones_like(times))
    # The path is a Brownian motion; `density` is that of the paths that have crossed nowhere yet, at `nodes`.
    nodes, density, weights = np.zeros(1), np.ones(1), np.ones(1)
    crossed, before = 0.0, 0.0
    for time, height in zip(times, heights, strict=True):
        step = np.sqrt(time - before)
        tails = np.exp(log_ndtr((nodes - height) / step))
        if sides == 2:
            tails += np.exp(log_ndtr((-height - nodes) / step))
        crossed += float((weights * density * tails).sum())
        reach = min(height, _FAR * np.sqrt(time))
        low = -reach if sides == 2 else -_FAR * np.sqrt(time)
        if reach <= low:
            break
        following, spacing = _legendre(low, reach)
        kernel = np.exp(-(((following[:, None] - nodes) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi))
        density = kernel @ (weights * density)
        nodes, weights, before = following, spacing, time
    return min(crossed, 1.0)


@lru_cache(maxsize=1)
def _rule() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _legendre(low: float, high: float) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre's rule between two ends."""
    nodes, weights = _rule()
    return low + (nodes + 1) * (high - low) / 2, weights * (high - low) / 2
