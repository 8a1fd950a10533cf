"""What a network costs beside its accuracy: the recorded metrics, and how each is printed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports import wording


@dataclass(frozen=True)
class Cost:
    """How a cost is printed.

    Attributes:
        header: of its column.
        unit: how much of the metric is one of what the header names.
        digits: significant ones, where the size of a cost is not known beforehand; None fixes `decimals`.
        decimals: where they are fixed.
    """

    header: str
    unit: float = 1.0
    digits: int | None = None
    decimals: int = 0

    def mean(self, value: float) -> str:
        """A mean, as it stands in the table of an axis."""
        amount = value / self.unit
        return wording.fixed(amount, self.decimals) if self.digits is None else wording.significant(amount, self.digits)

    def difference(self, value: float, low: float, high: float) -> str:
        """A difference with its interval: `+0.012 (-0.003, +0.027)`; alone where its interval is a point or unknown.

        All have the decimals that the largest of them needs, so that a difference and its interval are rounded alike.
        """
        exact = low == high or wording.absent(low)
        amounts = [each / self.unit for each in ([value] if exact else [value, low, high])]
        decimals = self.decimals if self.digits is None else _decimals(max(map(abs, amounts)), self.digits)
        printed = [wording.fixed(amount, decimals, sign=True) for amount in amounts]
        return printed[0] if exact else f"{printed[0]} ({printed[1]}, {printed[2]})"


COSTS = {
    "firing_rate": Cost("firing rate", digits=2),
    "synops": Cost("kSynOps", unit=1000, digits=3),
    "energy_nj": Cost("energy nJ", digits=2),
    "parameters": Cost("parameters"),
    "train_seconds": Cost("s/run", decimals=1),
}
"""By the metric of a run, in the order of their columns."""


def _decimals(size: float, digits: int) -> int:
    return max(0, digits - 1 - math.floor(math.log10(size))) if size > 0 else 0
