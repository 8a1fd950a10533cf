"""From the differences of one family of contrasts to verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics import paired
from reports.statistics.holm import holm
from reports.statistics.paired import Floats, Moments
from reports.statistics.sequential import Stage

BETTER, WORSE, EQUIVALENT, UNDECIDED, NOT_TESTABLE = "better", "worse", "equivalent", "undecided", "not testable"
DECIDED = (BETTER, WORSE, EQUIVALENT)
"""The verdicts that say something of a difference."""
UNDECIDED_LOST = "undecided (lost runs)"
_EXPLORATORY = "exploratory"
BELOW_MARGIN = "difference below the margin"
ALPHA = 0.05
"""Level of the tests, each adjusted over its family."""


def looked_too_often(look: int) -> str:
    """The verdict of every contrast at a look that no scheme covers."""
    return f"{_EXPLORATORY} (look {look})"


def exploratory(verdict: str) -> bool:
    """Whether a verdict is that of such a look."""
    return verdict.startswith(_EXPLORATORY)


@dataclass(frozen=True)
class Rules:
    """How a family is judged.

    Attributes:
        margin: of the metric; None: nothing is equivalent.
        maximize: direction.
        alpha: level of the tests.
        stage: the look of a declared scheme at which it is judged; None where the study is looked at once.
    """

    margin: float | None
    maximize: bool = True
    alpha: float = ALPHA
    stage: Stage | None = None

    def confidence(self, alpha: float) -> float:
        """Confidence of the interval at this look whose error is at most `alpha` over all looks."""
        return 1 - (self.stage.alpha(alpha) if self.stage else alpha)


@dataclass(frozen=True)
class Judged:
    """A judged family: arrays `[m]`, with verdicts and reasons as tuples of text."""

    moments: Moments
    p: Floats
    p_adjusted: Floats
    p_equivalence: Floats
    p_equivalence_adjusted: Floats
    verdicts: tuple[str, ...]
    reasons: tuple[str, ...]


def judge(differences: ArrayLike, scale: ArrayLike, rules: Rules) -> Judged:
    """Judge the contrasts of one family.

    Args:
        differences: level minus reference, `[m, blocks]`, NaN where a block is missing.
        scale: `[m]`, the size of the values that were subtracted.
        rules: margin, direction and level of the tests.
    """
    of = paired.moments(differences, scale)
    p = paired.two_sided(of)
    p_equivalence = np.full_like(p, np.nan) if rules.margin is None else paired.within_margin(of, rules.margin)
    if rules.stage is not None:
        p, p_equivalence = rules.stage.two_sided(p), rules.stage.one_sided(p_equivalence)
    adjusted, equivalence = holm(p), holm(p_equivalence)
    pairs = [_verdict(of, at, adjusted[at], equivalence[at], rules) for at in range(len(p))]
    verdicts, reasons = zip(*pairs, strict=True) if pairs else ((), ())
    return Judged(of, p, adjusted, p_equivalence, equivalence, tuple(verdicts), tuple(reasons))


def _verdict(of: Moments, at: int, p_adjusted: float, p_equivalence: float, rules: Rules) -> tuple[str, str]:
    if of.n[at] < 2:
        return NOT_TESTABLE, f"a paired test needs 2 seed blocks, there {'is' if of.n[at] == 1 else 'are'} {of.n[at]}"
    if of.degenerate[at]:
        return UNDECIDED, f"no spread: all {of.n[at]} seed blocks show the same difference, so no test exists"
    differs, alike = p_adjusted <= rules.alpha, p_equivalence <= rules.alpha
    if alike:
        return EQUIVALENT, BELOW_MARGIN if differs else "inside the margin in both one-sided tests"
    if differs:
        return BETTER if (of.mean[at] > 0) == rules.maximize else WORSE, "Holm-adjusted p at most 0.05"
    return UNDECIDED, "the data decide neither a difference nor equivalence"
