"""How the levels differ in what they cost: paired differences with intervals and, on purpose, no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.family import Sides
from reports.levels import COSTS
from reports.matching import axis_of, matches
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired

_UNITS = {"firing_rate": "spikes per neuron and step", "synops": "a sample", "energy_nj": "nJ a sample",
          "parameters": "", "train_seconds": "s a run"}  # fmt: skip


class Costs:
    """Cost differences. The frame's columns: axis, level, reference, metric, seeds, difference, ci_low, ci_high."""

    key = "costs"
    title = "What the levels cost"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] == "search":
            return "a search samples cells; without matched cells there is no difference to take"
        return None if len(results.axes) else "the study has no axis"

    def compute(self, results: StudyResults) -> Card:
        columns = ["axis", "level", "reference", "metric", "seeds", "difference", "ci_low", "ci_high"]
        frame = pd.DataFrame(list(_differences(results)), columns=columns)
        if frame.empty:
            return Card(self.key, self.title, ("No run has a cost on record.",), frame, folded=True)
        rows = tuple(_cells(row) for row in frame.to_dict("records"))
        headers = ("level", "cost", "difference to the reference (95 % CI)", "seed blocks")
        prose = ("Paired differences by seed block over complete runs: descriptive intervals, no verdicts.",)
        return Card(self.key, self.title, prose, frame, Table(headers, rows, (False, False, True, True)), folded=True)


def _differences(results: StudyResults) -> Iterator[dict[str, Any]]:
    outcomes = {metric: Outcomes.of(results, metric) for metric in COSTS}
    for axis in results.axes:
        for match in matches(results, axis_of(results, axis)):
            for metric, of_metric in outcomes.items():
                sides = Sides.of(match, of_metric, of_metric.value, of_metric.value)
                of = paired.moments(sides.differences)
                if not of.n[0]:
                    continue
                low, high = paired.interval(of)
                yield {
                    "axis": axis, "level": match.level, "reference": axis_of(results, axis)["reference"],
                    "metric": metric, "seeds": int(of.n[0]), "difference": of.mean[0], "ci_low": low[0],
                    "ci_high": high[0],
                }  # fmt: skip


def _cells(row: dict[Any, Any]) -> tuple[str, ...]:
    parts = [wording.significant(row[name], 3, sign=True) for name in ("difference", "ci_low", "ci_high")]
    exact = row["ci_low"] == row["ci_high"] or wording.absent(row["ci_low"])
    text = parts[0] if exact else f"{parts[0]} ({parts[1]}, {parts[2]})"
    unit = f" ({_UNITS[row['metric']]})" if _UNITS[row["metric"]] else ""
    return f"{row['axis']}={row['level']}", f"{row['metric']}{unit}", text, str(row["seeds"])
