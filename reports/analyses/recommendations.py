"""What to do, in words: only what the rows support, each sentence naming the rows it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.effects import conditions, effects
from reports.levels import level_summary
from reports.results import StudyResults
from reports.statistics.verdict import BELOW_MARGIN, BETTER, EQUIVALENT, WORSE

Costs = Mapping[Any, Mapping[Any, Any]]
"""Level -> cost -> mean."""

_CHEAPER = {"energy_nj": "energy", "synops": "synaptic operations", "parameters": "parameters"}


class Recommendations:
    """Recommendations. The frame's columns: recommendation, rests_on (`axis: level against reference`), verdict."""

    key = "recommendations"
    title = "Recommendations"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None

    def compute(self, results: StudyResults) -> Card:
        contrasts = effects(results)
        better = {axis: levels.tolist() for axis, levels in
                  contrasts[contrasts["verdict"] == BETTER].groupby("axis")["level"]}  # fmt: skip
        costs = {axis: _costs(results, axis) for axis in contrasts["axis"].unique()}
        rows = [_recommendation(row, better.get(row["axis"], []), costs[row["axis"]])
                for row in contrasts.to_dict("records")]  # fmt: skip
        frame = pd.DataFrame([row for row in rows if row], columns=["recommendation", "rests on", "verdict"])
        if frame.empty:
            prose = ["None: the rows support no recommendation, and undecided rows never do."]
            return Card(self.key, self.title, tuple(prose), frame)
        tail = conditions(results)
        prose = [f"{len(frame)} of {wording.count(len(contrasts), 'contrast')} led to a recommendation."]
        prose += [f"All of this holds {tail}."] if tail else []
        if frame["recommendation"].str.contains(" nJ").any():
            prose += ["Energies are descriptive and named where the means differ by a tenth or more."]
        table = Table(tuple(frame.columns), tuple(tuple(row) for row in frame.to_numpy().tolist()), (False,) * 3,
                      caption="Recommendations, and the contrasts that they rest on.")  # fmt: skip
        return Card(self.key, self.title, tuple(prose), frame, table)


def _scope(row: dict[Any, Any]) -> str:
    """What to add where the difference might be one of these test samples only."""
    if wording.absent(row["ci_task_low"]) or row["ci_task_low"] > 0 or row["ci_task_high"] < 0:
        return ""
    span = wording.span(row["ci_task_low"], row["ci_task_high"])
    return f" on this test set; with other test samples as well the interval is {span}, which includes no difference"


def _costs(results: StudyResults, axis: str) -> Costs:
    return level_summary(results, axis).set_index("level")[[*_CHEAPER]].to_dict("index")


def _recommendation(row: dict[Any, Any], better: list[str], costs: Costs) -> tuple[str, str, str] | None:
    """The sentence, the row it rests on and its verdict.

    Args:
        row: of `effects`.
        better: levels of the row's axis that are better than the reference; no test ranks them against each other.
        costs: of the levels of the axis.
    """
    rests = f"{row['axis']}: {row['level']} against {row['reference']}"
    if row["verdict"] == BETTER:
        text = f"For accuracy, take {row['axis']}={row['level']} rather than {row['reference']}: {_by(row)}"
        as_well = [level for level in better if level != row["level"]]
        untested = f"; it was not tested against {wording.listing(as_well)}, also better" if as_well else ""
        return f"{text}{_scope(row)}{untested}{_price(row, costs)}.", rests, BETTER
    if row["verdict"] == WORSE:
        # Not "keep the reference": another level may be better than it.
        text = f"For accuracy, do not take {row['axis']}={row['level']} in place of {row['reference']}: {_by(row)}"
        return f"{text}{_scope(row)}{_price(row, costs)}.", rests, WORSE
    if row["verdict"] != EQUIVALENT or str(row["reason"]).startswith(BELOW_MARGIN):
        return None
    saving = _saving(row, costs)
    if not saving:
        return None
    size = wording.points(row["difference"], row["ci_low"], row["ci_high"])
    text = (
        f"{row['axis']}={row['level']} can stand in for {row['reference']}: equivalent "
        f"({wording.margin(row['margin'])}, {size} points), at {saving}."
    )
    return text, rests, EQUIVALENT


def _by(row: dict[Any, Any]) -> str:
    """`its test accuracy is 25.0 points lower (20.2 to 29.8)`."""
    higher = row["difference"] > 0
    low, high = sorted((abs(row["ci_low"]), abs(row["ci_high"])))
    size = f"{wording.fixed(abs(row['difference']) * 100)} points {'higher' if higher else 'lower'}"
    return f"its test accuracy is {size} (95 % CI {wording.fixed(low * 100)} to {wording.fixed(high * 100)})"


def _price(row: dict[Any, Any], costs: Costs) -> str:
    """The mean energy of both, where they differ by a tenth or more; empty where it is not known."""
    level, reference = (float(costs[row[which]]["energy_nj"]) for which in ("level", "reference"))
    if not abs(level - reference) >= 0.1 * reference > 0:
        return ""
    return f"; mean energy {wording.significant(level, 3)} against {wording.significant(reference, 3)} nJ a sample"


def _saving(row: dict[Any, Any], costs: Costs) -> str:
    """Means of the first cost that differs by a tenth or more in the level's favour; empty if there is none."""
    for metric, name in _CHEAPER.items():
        level, reference = costs[row["level"]][metric], costs[row["reference"]][metric]
        if level < 0.9 * reference:
            unit = " nJ" if metric == "energy_nj" else ""
            values = f"{wording.significant(level, 3)} against {wording.significant(reference, 3)}{unit}"
            return f"lower mean {name} ({values}, descriptive)"
    return ""
