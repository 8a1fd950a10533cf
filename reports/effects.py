"""The rows of `effects.csv`: one contrast each, everything its verdict rests on, and its sensitivity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports.correctness import Correctness
from reports.family import VERDICT_METRIC, Family
from reports.matching import Match, axis_of, matches
from reports.once import once_per_study
from reports.outcomes import State
from reports.results import StudyResults
from reports.schema import EFFECTS
from reports.statistics import paired
from reports.statistics.settings import settings_interval
from reports.statistics.verdict import NOT_TESTABLE, Rules

UNTUNED = "at the baseline's hyperparameters"
TUNED = "given the tuned values"
TEST_SELECTED = "test-selected"
FURTHER = (
    "mean_level", "mean_reference", "sd_difference", "t_value", "direction", "margin", "p_equivalence",
    "p_equivalence_adjusted", "p_sign_flip", "pair_correlation", "ci_task_low", "ci_task_high", "ci_settings_low",
    "ci_settings_high", "runs_planned", "diverged_level",
    "diverged_reference", "lost_level", "lost_reference", "difference_without_diverged",
    "p_without_diverged", "verdict_without_diverged", "bound_low", "bound_high", "verdict_bound_low",
    "verdict_bound_high", "conditions",
)  # fmt: skip


def effects(results: StudyResults) -> pd.DataFrame:
    """Contrasts of all axes: the columns of `effects.csv`, then `FURTHER`. Cells of a search do not match: none."""
    axes = () if results.study["design"] == "search" else results.axes
    frames = [frame for frame in (axis_effects(results, axis) for axis in axes) if len(frame)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*EFFECTS, *FURTHER])


def conditions(results: StudyResults) -> str:
    """What every number of the study is conditional on, as printed beside it."""
    found = [TUNED] if results.study.get("tuned") else [UNTUNED]
    return "; ".join([*found, TEST_SELECTED] if results.study["protocol"] == "paper_compat" else found)


def axis_effects(results: StudyResults, axis: str) -> pd.DataFrame:
    """Contrasts of one axis in the order of its levels; a level excluded by rule has a row that says so."""
    return _axis_effects(results, axis).copy()


@once_per_study
def _axis_effects(results: StudyResults, axis: str) -> pd.DataFrame:
    """Computed once: several cards of a guide rest on the same rows, and resampling takes its time."""
    family, correctness = Family.of(results, axis), Correctness.of(results)
    place = {match.level: at for at, match in enumerate(family.contrasts)}
    carried = conditions(results)
    rows = []
    for match in matches(results, axis_of(results, axis)):
        planned = match.level in place
        row = _row(family, place[match.level], correctness) if planned else _never_planned(family, match)
        rows.append(row | {"conditions": carried, "reason": "; ".join(filter(None, [row["reason"], carried]))})
    return pd.DataFrame(rows, columns=[*EFFECTS, *FURTHER])


def _row(family: Family, at: int, correctness: Correctness) -> dict[str, Any]:
    match, sides, of, rules = family.contrasts[at], family.sides[at], family.judged.moments, family.rules
    m = len(family.contrasts)
    low, high = paired.interval(of, rules.confidence(rules.alpha))
    adjusted_low, adjusted_high = paired.interval(of, rules.confidence(rules.alpha / m))
    verdict, reason = family.verdict(at)
    task_low, task_high = _wider((low[at], high[at]), correctness.interval(match, family.outcomes, sides))
    settings_low, settings_high = settings_interval(sides.level - sides.reference)
    return {
        "axis": family.axis, "level": match.level, "reference": family.reference, "metric": VERDICT_METRIC,
        "cells_matched": sides.pairs, "cells_planned": match.planned, "seeds": int(of.n[at]),
        "difference": of.mean[at], "ci_low": low[at], "ci_high": high[at], "ci_method": _method(of, at, rules),
        "ci_adj_low": adjusted_low[at], "ci_adj_high": adjusted_high[at],
        "p_value": family.judged.p[at], "p_adjusted": family.judged.p_adjusted[at], "family_size": m,
        "effect_size": paired.effect_size(of)[at],
        "probability_of_improvement": paired.improvement(sides.level, sides.reference, maximize=rules.maximize),
        "verdict": verdict, "reason": reason,
        "mean_level": _mean(sides.units[0]), "mean_reference": _mean(sides.units[1]),
        "sd_difference": of.sd[at], "t_value": paired.t_value(of)[at],
        "direction": "maximize" if rules.maximize else "minimize", "margin": rules.margin,
        "p_equivalence": family.judged.p_equivalence[at],
        "p_equivalence_adjusted": family.judged.p_equivalence_adjusted[at],
        "p_sign_flip": paired.sign_flip(sides.differences, rules.alpha / m),
        "pair_correlation": paired.correlation(*sides.units),
        "ci_task_low": task_low, "ci_task_high": task_high,
        "ci_settings_low": settings_low, "ci_settings_high": settings_high,
        **_sensitivity(family, at),
    }  # fmt: skip


def _wider(seeds: tuple[float, float], task: tuple[float, float]) -> tuple[float, float]:
    """The interval to speak of the task with: never narrower than that over seeds. NaN where there is no other."""
    return task if not task[1] - task[0] < seeds[1] - seeds[0] else seeds


def _method(of: paired.Moments, at: int, rules: Rules) -> str:
    if of.n[at] < 2:
        return ""
    looked = f", look {rules.stage.look + 1} of {len(rules.stage.at)}" if rules.stage else ""
    return "degenerate" if of.degenerate[at] else f"paired t{looked}"


def _mean(values: np.ndarray) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else float("nan")


def _sensitivity(family: Family, at: int) -> dict[str, Any]:
    without, bounds = family.without_diverged(at), family.bounds(at)
    found: dict[str, Any] = {
        "runs_planned": family.count(at, State.LOST, 0)[1],
        "diverged_level": family.count(at, State.DIVERGED, 0)[0],
        "diverged_reference": family.count(at, State.DIVERGED, 1)[0],
        "lost_level": family.count(at, State.LOST, 0)[0],
        "lost_reference": family.count(at, State.LOST, 1)[0],
    }
    if without:
        found |= {
            "difference_without_diverged": without.difference, "p_without_diverged": without.p,
            "verdict_without_diverged": family.labelled(without.verdict),
        }  # fmt: skip
    if bounds:
        found |= {
            "bound_low": bounds[0].difference, "bound_high": bounds[1].difference,
            "verdict_bound_low": family.labelled(bounds[0].verdict),
            "verdict_bound_high": family.labelled(bounds[1].verdict),
        }  # fmt: skip
    return found


def _never_planned(family: Family, match: Match) -> dict[str, Any]:
    why = ", ".join(match.excluded)
    return {
        "axis": family.axis, "level": match.level, "reference": family.reference, "metric": VERDICT_METRIC,
        "cells_matched": 0, "cells_planned": match.planned, "seeds": 0, "ci_method": "",
        "family_size": len(family.contrasts), "verdict": NOT_TESTABLE,
        "reason": f"excluded: {why}" if why else "no cell of the design matches a cell of the reference",
        "direction": "maximize" if family.rules.maximize else "minimize", "margin": family.rules.margin,
    }  # fmt: skip
