"""The table of one axis: what each level reached, how it differs from the reference, and the verdict."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from reports import runs_behind, wording
from reports.analyses.axis_notes import notes_of
from reports.analyses.card import Card, Dot, Table
from reports.analyses.figure import known
from reports.analyses.forest import forest
from reports.costs import COSTS
from reports.effects import TEST_SELECTED, axis_effects
from reports.levels import level_summary
from reports.looks import AxisLooks
from reports.matching import axis_of, levels_of
from reports.results import StudyResults
from reports.statistics.power import detectable_effect, equivalence_sd, pooled_sd
from reports.statistics.verdict import DECIDED


class AxisEffects:
    """Effects of one axis.

    The frame holds the reference's row and one row per contrast: the columns of `reports.levels.level_summary`
    followed by those of `effects.csv` that are not already there.
    """

    def __init__(self, axis: str) -> None:
        self.axis = axis
        self.key = f"effects-{axis}"
        self.title = axis

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] == "search":
            return "a search samples cells; without matched cells there is no contrast to test"
        if not levels_of(axis_of(results, self.axis)):
            return f"the axis has one level, {axis_of(results, self.axis)['reference']}: nothing to compare"
        return None

    def compute(self, results: StudyResults) -> Card:
        contrasts, levels = axis_effects(results, self.axis), level_summary(results, self.axis)
        frame = levels.merge(contrasts, on="level", how="left", suffixes=("", "_contrast"))
        costs = [name for name in COSTS if frame[name].notna().any()]
        return Card(
            self.key, _title(results, self.axis), _prose(results, contrasts), frame,
            _table(results, self.axis, frame, costs), notes_of(results, contrasts, costs),
            figure=forest(contrasts.to_dict("records"), results.study["objective"].get("margin")),
        )  # fmt: skip


def _title(results: StudyResults, axis: str) -> str:
    study = results.study
    blocks = wording.count(len(study["seeds"]), "seed block")
    reference = axis_of(results, axis)["reference"]
    around = f"one-factor around {reference}" if study["design"] == "one_factor" else f"factorial, against {reference}"
    metric = f"test accuracy{f', {TEST_SELECTED}' if study['protocol'] == 'paper_compat' else ''}"
    return f"{axis} ({around}; {blocks}; {metric}; {wording.margin(study['objective'].get('margin'))})"


def _table(results: StudyResults, axis: str, frame: pd.DataFrame, costs: list[str]) -> Table:
    lost = bool(frame[["diverged", "lost"]].sum().sum())
    headers = ["level", "accuracy % (95 % CI)", "difference, points (95 % CI)", "p (Holm)", "verdict"]
    headers += ["lost or diverged"] if lost else []
    headers += [COSTS[name].header for name in costs]
    records: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    rows = tuple(_cells(row, costs, lost, first=at == 0) for at, row in enumerate(records))
    numeric = tuple(name not in ("level", "verdict", "lost or diverged") for name in headers)
    dots = tuple(_dot(row) if at else None for at, row in enumerate(records))
    runs = runs_behind.of_levels(results, axis, (str(row["level"]) for row in records))
    values = tuple(_values(row, headers, costs, first=at == 0) for at, row in enumerate(records))
    return Table(tuple(headers), rows, numeric, dots, results.study["objective"].get("margin"), runs, values,
                 _caption(results, axis, bool(costs)))  # fmt: skip


def _caption(results: StudyResults, axis: str, costs: bool) -> str:
    blocks = wording.count(len(results.study["seeds"]), "seed block")
    return (
        f"Levels of {axis}: mean test accuracy, and difference to {axis_of(results, axis)['reference']} paired by seed "
        f"block, with unadjusted 95 % intervals over {blocks}; p after Holm over the contrasts of the axis"
        f"{'; mean costs' if costs else ''}."
    )


def _values(row: dict[str, Any], headers: list[str], costs: list[str], *, first: bool) -> tuple[float | None, ...]:
    """What the columns are sorted by; the reference differs from itself by nothing."""
    names = [None, "accuracy", "difference", "p_adjusted", None, *([None] if "lost or diverged" in headers else [])]
    found = [None if name is None else known(row[name]) for name in [*names, *costs]]
    return (*found[:2], 0.0, *found[3:]) if first else tuple(found)


def _cells(row: dict[str, Any], costs: list[str], lost: bool, *, first: bool) -> tuple[str, ...]:
    cells = [row["level"], wording.percent(row["accuracy"], row["accuracy_low"], row["accuracy_high"])]
    if first:
        cells += ["reference", "", ""]
    else:
        cells += [wording.points(row["difference"], row["ci_low"], row["ci_high"]), wording.p_value(row["p_adjusted"])]
        cells += [row["verdict"]]
    if lost:
        kinds = [f"{kind} {row[kind]} of {row['planned']}" for kind in ("diverged", "lost") if row[kind]]
        cells.append(", ".join(kinds))
    return (*cells, *(COSTS[name].mean(row[name]) for name in costs))


def _dot(row: dict[str, Any]) -> Dot | None:
    if wording.absent(row["ci_low"]):
        return None
    size = wording.points(row["difference"], row["ci_low"], row["ci_high"])
    text = f"{row['level']}: {size} points, {row['verdict']}"
    return Dot(row["ci_low"], row["difference"], row["ci_high"], row["verdict"] in DECIDED, text)


def _prose(results: StudyResults, contrasts: pd.DataFrame) -> tuple[str, ...]:
    blocks, m = int(contrasts["seeds"].max()), int(contrasts["family_size"].max())
    if blocks < 2 or m < 1:
        return ("Nothing here can be tested: a paired test needs 2 seed blocks in which both levels have a value.",)
    stage = AxisLooks.of(results, str(contrasts["axis"].iloc[0])).stage
    effect = detectable_effect(blocks, m, stage=stage)
    tests = f"With {wording.count(blocks, 'seed block')} and {wording.count(m, 'contrast')} in the family"
    if math.isinf(effect):
        return (f"{tests}, this look detects no difference, however large.",)
    can = f"{tests}, a difference is detected at 80 % power from {effect:.1f} SD of the differences"
    sd, low, high = pooled_sd(contrasts["sd_difference"].to_numpy(float), contrasts["seeds"].to_numpy(int))
    if not sd > 0:
        return (can + ".",)
    can += (
        f"; the SD found here is {_points(sd)} points (pooled over the contrasts; 95 % CI, as if they shared no runs, "
        f"{_points(low)} to {_points(high)}), so from about {_points(effect * sd)} points."
    )
    size = results.study["objective"].get("margin")
    if size is None:
        return (can, "No margin is set, so no level can be called equivalent.")
    room = equivalence_sd(blocks, m, stage=stage) * size * 100
    # The SD of so few blocks is hardly known: only where its whole interval lies on one side is there an answer.
    held, missed = high * 100 <= room, low * 100 > room
    reach = "which it is" if held else "which it is not" if missed else "which its interval leaves open"
    return (can, f"Equivalence is found at 80 % power when that SD is at most {_points(room / 100)} points, {reach}.")


def _points(share: float) -> str:
    return wording.significant(share * 100)
