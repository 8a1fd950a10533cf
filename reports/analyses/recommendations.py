"""What to do, in words: only what the rows support, each sentence naming the rows it rests on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.effects import conditions, effects
from reports.levels import level_summary
from reports.results import StudyResults
from reports.statistics.verdict import BELOW_MARGIN, BETTER, EQUIVALENT, WORSE

_CHEAPER = {"energy_nj": "energy", "synops": "synaptic operations", "parameters": "parameters"}


class Recommendations:
    """Recommendations. The frame's columns: recommendation, rests_on (`axis: level against reference`), verdict."""

    key = "recommendations"
    title = "Recommendations"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None

    def compute(self, results: StudyResults) -> Card:
        contrasts = effects(results)
        records = contrasts.to_dict("records")
        rows = [_recommendation(row, _as_well(row, records), results) for row in records]
        frame = pd.DataFrame([row for row in rows if row], columns=["recommendation", "rests on", "verdict"])
        if frame.empty:
            prose = ["None: the rows support no recommendation, and undecided rows never do."]
            return Card(self.key, self.title, tuple(prose), frame)
        tail = conditions(results)
        prose = [f"{len(frame)} of {wording.count(len(contrasts), 'contrast')} led to a recommendation."]
        prose += [f"All of this holds {tail}."] if tail else []
        table = Table(tuple(frame.columns), tuple(tuple(row) for row in frame.to_numpy().tolist()), (False,) * 3)
        return Card(self.key, self.title, tuple(prose), frame, table)


def _scope(row: dict[Any, Any]) -> str:
    """What to add where the difference might be one of these test samples only."""
    if wording.absent(row["ci_task_low"]) or row["ci_task_low"] > 0 or row["ci_task_high"] < 0:
        return ""
    span = wording.span(row["ci_task_low"], row["ci_task_high"])
    return f" on this test set; with other test samples as well the interval is {span}, which includes no difference"


def _as_well(row: dict[Any, Any], records: list[dict[Any, Any]]) -> list[str]:
    """The other levels of the row's axis that are better than the reference: no test ranks them against each other."""
    own, level = row["axis"], row["level"]
    return [each["level"] for each in records
            if (each["axis"], each["verdict"]) == (own, BETTER) and each["level"] != level]  # fmt: skip


def _recommendation(row: dict[Any, Any], as_well: list[str], results: StudyResults) -> tuple[str, str, str] | None:
    rests = f"{row['axis']}: {row['level']} against {row['reference']}"
    if row["verdict"] == BETTER:
        text = f"For accuracy, take {row['axis']}={row['level']} rather than {row['reference']}: {_by(row)}"
        untested = f"; it was not tested against {wording.listing(as_well)}, also better" if as_well else ""
        return f"{text}{_scope(row)}{untested}{_price(row, results)}.", rests, BETTER
    if row["verdict"] == WORSE:
        # Not "keep the reference": another level may be better than it.
        text = f"For accuracy, do not take {row['axis']}={row['level']} in place of {row['reference']}: {_by(row)}"
        return f"{text}{_scope(row)}{_price(row, results)}.", rests, WORSE
    if row["verdict"] != EQUIVALENT or str(row["reason"]).startswith(BELOW_MARGIN):
        return None
    saving = _saving(row, results)
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


def _price(row: dict[Any, Any], results: StudyResults) -> str:
    """The mean energy of both, where they differ by a tenth or more; empty where it is not known."""
    energy = level_summary(results, row["axis"]).set_index("level")["energy_nj"]
    level, reference = float(energy[row["level"]]), float(energy[row["reference"]])
    if not abs(level - reference) >= 0.1 * reference > 0:
        return ""
    return f"; mean energy {wording.significant(level, 3)} against {wording.significant(reference, 3)} nJ a sample"


def _saving(row: dict[Any, Any], results: StudyResults) -> str:
    """Means of the first cost that differs by a tenth or more in the level's favour; empty if there is none."""
    levels = level_summary(results, row["axis"]).set_index("level")[[*_CHEAPER]].to_dict("index")
    for metric, name in _CHEAPER.items():
        level, reference = levels[row["level"]][metric], levels[row["reference"]][metric]
        if level < 0.9 * reference:
            unit = " nJ" if metric == "energy_nj" else ""
            values = f"{wording.significant(level, 3)} against {wording.significant(reference, 3)}{unit}"
            return f"lower mean {name} ({values}, descriptive)"
    return ""
