"""How the levels differ in what they cost: paired differences with intervals and, on purpose, no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.costs import COSTS, Cost
from reports.family import Sides
from reports.matching import axis_of, matches
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired

_SECONDS = (
    "Seconds are wall-clock times of runs that may have shared their machine with others. They describe these runs; "
    "between machines, or between busy and quiet hours, they do not compare."
)


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
        prose = (
            f"Each level minus the reference of its axis, with 95 % intervals: paired differences over {_blocks(frame)}"
            " of complete runs, descriptive and without verdicts. The axes' own tables hold the means.",
        )
        notes = (_SECONDS,) if (frame["metric"] == "train_seconds").any() else ()
        return Card(self.key, self.title, prose, frame, _table(frame), notes, folded=True)


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


def _blocks(frame: pd.DataFrame) -> str:
    fewest, most = int(frame["seeds"].min()), int(frame["seeds"].max())
    return wording.count(most, "seed block") if fewest == most else f"{fewest} to {most} seed blocks"


def _table(frame: pd.DataFrame) -> Table:
    """A row for every level, a column for every cost that any run has."""
    metrics = [metric for metric in COSTS if (frame["metric"] == metric).any()]
    rows, values = [], []
    for (axis, level), of_level in frame.groupby(["axis", "level"], sort=False):
        by_metric = of_level.set_index("metric").to_dict("index")
        rows.append((f"{axis}={level}", *(_cell(by_metric.get(metric), COSTS[metric]) for metric in metrics)))
        values.append((None, *(by_metric[metric]["difference"] if metric in by_metric else None for metric in metrics)))
    headers = ("level", *(COSTS[metric].header for metric in metrics))
    caption = (
        "What each level costs beyond the reference of its axis, a sample or a run: paired differences with 95 % "
        f"intervals over {_blocks(frame)}."
    )
    return Table(headers, tuple(rows), (False, *(True,) * len(metrics)), values=tuple(values), caption=caption)


def _cell(row: dict[Any, Any] | None, cost: Cost) -> str:
    return wording.MISSING if row is None else cost.difference(row["difference"], row["ci_low"], row["ci_high"])
