"""The contrasts of one axis on one metric, judged, with the sensitivity to diverged and to lost runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from reports.looks import AxisLooks
from reports.matching import Match, axis_of, matches
from reports.outcomes import Outcomes, State
from reports.results import StudyResults
from reports.statistics.paired import Floats
from reports.statistics.verdict import (
    DECIDED,
    NOT_TESTABLE,
    UNDECIDED_LOST,
    Judged,
    Rules,
    judge,
    looked_too_often,
)

VERDICT_METRIC = "test_accuracy"
_LIMITS = (0.0, 1.0)


def rules_of(results: StudyResults) -> Rules:
    """Margin and direction of the verdict metric: those of the objective where that is an accuracy too."""
    objective = results.study["objective"]
    if not str(objective.get("metric", "")).endswith("accuracy"):
        return Rules(margin=None)
    return Rules(margin=objective.get("margin"), maximize=objective.get("direction", "maximize") == "maximize")


@dataclass(frozen=True)
class Sides:
    """Values of a contrast's matched cells, level and reference `[pairs, blocks]`, of the pairs that can be used.

    The estimand is the mean over exactly these pairs: a block counts when all of them are there, and a pair
    that is complete in no block is given up so that the others can be compared.
    """

    level: Floats
    reference: Floats

    @classmethod
    def of(cls, match: Match, outcomes: Outcomes, level: Floats, reference: Floats) -> Sides:
        above = level[[outcomes.rows[pair[0]] for pair in match.pairs]]
        below = reference[[outcomes.rows[pair[1]] for pair in match.pairs]]
        usable = ~np.isnan(above - below).all(axis=1)
        return cls(above[usable], below[usable])

    @classmethod
    def bounds(cls, match: Match, outcomes: Outcomes) -> tuple[Sides, Sides]:
        """Lost runs at the metric's limits: the level's lowest and the reference's highest, and the reverse."""
        low, high = (outcomes.with_lost_at(limit) for limit in _LIMITS)
        return cls.of(match, outcomes, low, high), cls.of(match, outcomes, high, low)

    @property
    def pairs(self) -> int:
        return len(self.level)

    @cached_property
    def units(self) -> tuple[Floats, Floats]:
        """Block means of level and reference `[blocks]`, NaN in blocks that do not count."""
        if not self.pairs:
            blank = np.full(self.level.shape[1], np.nan)
            return blank, blank
        counts = ~np.isnan(self.level - self.reference).any(axis=0)
        return np.where(counts, self.level.mean(axis=0), np.nan), np.where(counts, self.reference.mean(axis=0), np.nan)

    @property
    def differences(self) -> Floats:
        """Level minus reference by block `[blocks]`."""
        return self.units[0] - self.units[1]

    @property
    def scale(self) -> float:
        """Largest size of the values a difference is made of."""
        sizes = np.abs(np.stack(self.units))
        return float(np.nanmax(sizes)) if not np.isnan(sizes).all() else 0.0


@dataclass(frozen=True)
class Variant:
    """One contrast judged on other values, its family left as it was."""

    difference: float
    seeds: int
    p: float
    verdict: str


@dataclass(frozen=True)
class Family:
    """An axis's contrasts with their values and verdicts; `judged` rows are in the order of `contrasts`."""

    axis: str
    reference: str
    rules: Rules
    outcomes: Outcomes
    contrasts: tuple[Match, ...]
    sides: tuple[Sides, ...]
    judged: Judged
    looks: AxisLooks

    @classmethod
    def of(cls, results: StudyResults, axis: str, metric: str = VERDICT_METRIC) -> Family:
        """Judge an axis. A level whose every cell a rule excluded is no contrast: the plan never asked for it."""
        description, looks = axis_of(results, axis), AxisLooks.of(results, axis)
        rules = replace(rules_of(results), stage=looks.stage)
        outcomes = Outcomes.of(results, metric)
        contrasts = tuple(match for match in matches(results, description) if match.pairs)
        sides = tuple(Sides.of(match, outcomes, outcomes.value, outcomes.value) for match in contrasts)
        differences = np.array([each.differences for each in sides]).reshape(len(sides), len(outcomes.seeds))
        scale = np.array([each.scale for each in sides])
        judged = judge(differences, scale, rules)
        return cls(axis, description["reference"], rules, outcomes, contrasts, sides, judged, looks)

    def count(self, at: int, state: State, side: int) -> tuple[int, int]:
        """How many runs of a contrast's side (0 level, 1 reference) have a state, and of how many planned."""
        return self.outcomes.count((pair[side] for pair in self.contrasts[at].pairs), state)

    def without_diverged(self, at: int) -> Variant | None:
        """The contrast without diverged runs; None where none diverged."""
        if not (self.count(at, State.DIVERGED, 0)[0] or self.count(at, State.DIVERGED, 1)[0]):
            return None
        values = self.outcomes.without_diverged()
        return self._variant(at, Sides.of(self.contrasts[at], self.outcomes, values, values))

    def bounds(self, at: int) -> tuple[Variant, Variant] | None:
        """The contrast with lost runs at the metric's limits: level lowest and reference highest, and the reverse."""
        if not (self.count(at, State.LOST, 0)[0] or self.count(at, State.LOST, 1)[0]):
            return None
        below, above = Sides.bounds(self.contrasts[at], self.outcomes)
        return self._variant(at, below), self._variant(at, above)

    def with_pruned_at_worst(self, at: int) -> Variant | None:
        """The contrast with the level's pruned runs at the metric's lower limit; None where none was pruned."""
        if not self.count(at, State.PRUNED, 0)[0]:
            return None
        level = self.outcomes.with_pruned_at(_LIMITS[0] if self.rules.maximize else _LIMITS[1])
        return self._variant(at, Sides.of(self.contrasts[at], self.outcomes, level, self.outcomes.value))

    def verdict(self, at: int) -> tuple[str, str]:
        """Verdict and reason after the bounds and the looks: one that flips inside the bounds is undecided."""
        verdict, reason = self._within_bounds(at)
        if self.looks.exploratory is None or verdict == NOT_TESTABLE:
            return verdict, reason
        return self.labelled(verdict), f"{self.looks.reason}, taken alone: {verdict}"

    def labelled(self, verdict: str) -> str:
        """A verdict on this family's contrasts as it may be printed: looked at too often, all are exploratory."""
        look = self.looks.exploratory
        return verdict if look is None else looked_too_often(look)

    def _within_bounds(self, at: int) -> tuple[str, str]:
        verdict, reason = self.judged.verdicts[at], self.judged.reasons[at]
        bounds = self.bounds(at) if verdict in DECIDED else None
        flips = next((each for each in bounds or () if each.verdict != verdict), None)
        if flips is None:
            return verdict, reason
        lost = self.count(at, State.LOST, 0)[0] + self.count(at, State.LOST, 1)[0]
        runs = f"{lost} lost run{'' if lost == 1 else 's'}"
        return UNDECIDED_LOST, f"{verdict} without the {runs}, {flips.verdict} with them at a limit of accuracy"

    def _variant(self, at: int, sides: Sides) -> Variant:
        differences = np.array([each.differences for each in self.sides])
        scale = np.array([each.scale for each in self.sides])
        differences[at], scale[at] = sides.differences, sides.scale
        judged = judge(differences, scale, self.rules)
        of = judged.moments
        return Variant(float(of.mean[at]), int(of.n[at]), float(judged.p_adjusted[at]), judged.verdicts[at])
