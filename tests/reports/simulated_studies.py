"""Studies drawn at random with effects that are known, judged by the report room itself: how often is it wrong?

Test accuracy of cell c in seed block b: mean of c + seed effect of b, alike in all cells + effect of b on the level of
each axis + residual of c and b, whose SD may differ between levels. Everything normal; fractions, not points.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from synthetic_studies import factorial, one_factor

from reports.family import Family, Sides
from reports.outcomes import State
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.paired import Floats
from reports.statistics.verdict import BETTER, EQUIVALENT, WORSE, judge

MARGIN, CHANCE = 0.01, 0.1
ONE_AXIS = {"residual": ("sresnet", "a", "b", "c", "d")}
CROSSED = {"residual": ("sresnet", "a", "b"), "norm": ("bn", "tebn", "bntt", "none")}


@dataclass(frozen=True)
class Scenario:
    """How studies come about.

    Attributes:
        axes: levels by axis, references first; one axis is a one-factor design, two are crossed. The first is judged.
        effects: true difference of each level of the first axis to its reference.
        spreads: SD of the residuals of each level of the first axis, its reference first.
        shared: SD of the seed effect that all cells share.
        interaction: SD of the seed effect on each level of each axis.
        lost: probability of each run to be lost, by level of the first axis.
        worst_lost: whether it is the lowest runs of a cell that are lost.
        diverged: probability of each run to diverge, by level of the first axis.
    """

    axes: Mapping[str, Sequence[str]] = field(default_factory=lambda: ONE_AXIS)
    effects: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    spreads: tuple[float, ...] = (0.01, 0.005, 0.01, 0.02, 0.04)
    shared: float = 0.02
    interaction: float = 0.0
    lost: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    worst_lost: bool = False
    diverged: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def template(self, blocks: int) -> StudyResults:
        """A study of this design, its accuracies to be replaced."""
        if len(self.axes) > 1:
            sizes = [range(len(levels)) for levels in self.axes.values()]
            grid = np.stack(np.meshgrid(*sizes, indexing="ij"), axis=-1).reshape(-1, len(sizes))
            names = [tuple(levels[at] for levels, at in zip(self.axes.values(), cell, strict=True)) for cell in grid]
            return factorial({each: [0.5] * blocks for each in names}, self.axes, margin=MARGIN)
        ((axis, levels),) = self.axes.items()
        values = {"baseline": {"": [0.5] * blocks}, axis: {level: [0.5] * blocks for level in levels[1:]}}
        return one_factor(values, baseline={axis: levels[0]}, margin=MARGIN)

    def draw(self, random: np.random.Generator, study: StudyResults) -> Drawn:
        """Accuracies and fates of the runs of a study."""
        at, blocks = self._levels(study), len(study.study["seeds"])
        values = 0.8 + self._means()[at[:, 0]][:, None] + random.normal(0, self.shared, blocks)
        for column, levels in enumerate(self.axes.values()):
            values = values + random.normal(0, 1, (len(levels), blocks))[at[:, column]] * self.interaction
        spreads = np.array(self.spreads)[at[:, 0]][:, None]
        values = values + random.normal(0, 1, values.shape) * spreads
        lost = random.random(values.shape) < np.array(self.lost)[at[:, 0]][:, None]
        if self.worst_lost:  # as many of every cell, but its lowest
            lost = values.argsort(axis=1).argsort(axis=1) < lost.sum(axis=1, keepdims=True)
        diverged = random.random(values.shape) < np.array(self.diverged)[at[:, 0]][:, None]
        return Drawn(values, lost & ~diverged, diverged)

    def truth(self, levels: Sequence[str]) -> Floats:
        """True differences of levels of the first axis; a diverged run counts at chance."""
        chance = np.array(self.diverged[: len(self._means())])
        expected = (1 - chance) * (0.8 + self._means()) + chance * CHANCE
        known = list(next(iter(self.axes.values())))
        return np.array([expected[known.index(level)] - expected[0] for level in levels])

    def _means(self) -> Floats:
        return np.array([0.0, *self.effects])

    def _levels(self, study: StudyResults) -> np.ndarray:
        """Position of each cell's level on each axis `[cells, axes]`."""
        return np.array([
            [list(levels).index(cell["levels"][axis]) for axis, levels in self.axes.items()]
            for cell in study.study["cells"]
        ])  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """What became of the runs `[cells, blocks]`: accuracies, and which are lost or diverged."""

    values: Floats
    lost: np.ndarray
    diverged: np.ndarray

    def runs(self, study: StudyResults) -> StudyResults:
        """The study with these runs, which come in the order of its table."""
        failed = (self.lost | self.diverged).ravel()
        reason = np.where(self.diverged, "diverged at epoch 1", "killed").ravel()
        runs = study.runs.assign(
            test_accuracy=np.where(failed, np.nan, self.values.ravel()),
            status=np.where(failed, "failed", "complete"), reason=np.where(failed, reason, ""),
        )  # fmt: skip
        other = copy.copy(study)  # without the checks of a study from outside, which take longer than its statistics
        object.__setattr__(other, "runs", runs)
        return other

    def family(self, planned: Family) -> Family:
        """The same contrasts judged on these runs: what `Family.of` makes of the table, several times faster."""
        state = np.where(self.diverged, State.DIVERGED, np.where(self.lost, State.LOST, State.COMPLETE))
        value = np.where(self.diverged, CHANCE, np.where(self.lost, np.nan, self.values))
        outcomes = replace(planned.outcomes, value=value, state=state.astype(np.int8))
        sides = tuple(Sides.of(match, outcomes, value, value) for match in planned.contrasts)
        judged = judge([each.differences for each in sides], [each.scale for each in sides], planned.rules)
        return replace(planned, outcomes=outcomes, sides=sides, judged=judged)


@dataclass(frozen=True)
class Errors:
    """What a guide would have got wrong; one row a study.

    Attributes:
        covered: contrasts whose 95 % interval holds the true difference, of those that have one `[studies, 2]`.
        simultaneous: whether all adjusted intervals hold theirs.
        false_p: whether any true null had a Holm-adjusted p of at most .05.
        false_difference: whether any true null was called better or worse.
        false_equivalence: whether any difference of the margin or more was called equivalent.
        wrong_sign: whether any difference was called better where it is worse, or the reverse.
        decided: share of contrasts that were called better, worse or equivalent.
    """

    covered: Floats
    simultaneous: Floats
    false_p: Floats
    false_difference: Floats
    false_equivalence: Floats
    wrong_sign: Floats
    decided: Floats

    @property
    def coverage(self) -> tuple[float, float]:
        """Share of intervals that hold the truth, with its Monte Carlo standard error over studies."""
        held, of = self.covered.T
        share = held.sum() / of.sum()
        return float(share), float(np.std(held - share * of, ddof=1) * np.sqrt(len(of)) / of.sum())


def simulate(scenario: Scenario, blocks: int, studies: int, *, seed: int) -> Errors:
    """Judge `studies` studies of `blocks` seeds each."""
    random, study = np.random.default_rng([seed, blocks]), scenario.template(blocks)
    planned = Family.of(study, next(iter(scenario.axes)))
    rows = [_errors(scenario, scenario.draw(random, study).family(planned)) for _ in range(studies)]
    covered, *others = zip(*rows, strict=True)
    return Errors(np.array(covered, float), *(np.array(each, float) for each in others))


def _errors(scenario: Scenario, family: Family) -> tuple[tuple[int, int], bool, bool, bool, bool, bool, float]:
    truth = scenario.truth([match.level for match in family.contrasts])
    of, m = family.judged.moments, len(truth)
    there = of.n >= 2
    inside, inside_adjusted = (
        (low <= truth) & (truth <= high) for low, high in (paired.interval(of), paired.interval(of, 1 - 0.05 / m))
    )
    verdicts = np.array([family.verdict(at)[0] for at in range(m)])
    called = np.where(verdicts == BETTER, 1, np.where(verdicts == WORSE, -1, 0))
    decided = np.isin(verdicts, [BETTER, WORSE, EQUIVALENT])
    null = np.abs(truth) < 1e-12
    return (
        (int(inside[there].sum()), int(there.sum())), bool(inside_adjusted[there].all()),
        bool((family.judged.p_adjusted[null] <= 0.05).any()), bool((called[null] != 0).any()),
        bool(((verdicts == EQUIVALENT) & (np.abs(truth) >= MARGIN - 1e-12)).any()),
        bool((called * np.sign(truth) < 0).any()), float(decided.mean()),
    )  # fmt: skip
