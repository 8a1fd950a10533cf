"""What each cell's tuning chose, and how much it mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.best_cells import value
from reports.analyses.card import Card, Table
from reports.results import StudyResults


class Tuned:
    """Tunings. The frame's columns: cell, chosen, border, trials, complete, best, median, worst (on validation)."""

    key = "tuning"
    title = "Tuning: what each cell chose and how sensitive it was"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None if results.study.get("tuning") else "the study tunes nothing"

    def compute(self, results: StudyResults) -> Card:
        tuning = results.study["tuning"]
        metric = tuning["metric"]
        rows = [
            {**each, "chosen": _chosen(each["chosen"]), "border": ", ".join(each["border"])} for each in tuning["cells"]
        ]
        columns = ["cell", "chosen", "border", "trials", "complete", "best", "median", "worst"]
        frame = pd.DataFrame(rows, columns=columns)
        printed = tuple(_cells(row, metric) for row in frame.to_dict("records"))
        headers = ("cell", "chosen", "trials", f"best {metric}", "median", "worst", "at a border")
        prose = (
            f"Every cell had {tuning['trials']} trials by {tuning['sampler']} over {', '.join(tuning['space'])} on "
            "validation, with a seed that no other run has. The gap from best to worst says how much the cell hangs on "
            "these values; every interval of this guide is given the tuned values.",
        )
        notes = ("A choice at a border of its range may have wanted to go further: widen the space.",)
        table = Table(headers, printed, (False, False, True, True, True, True, False))
        return Card(self.key, self.title, prose, frame, table, notes if frame["border"].any() else ())


def _chosen(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{path}={settings[path]}" for path in sorted(settings))


def _cells(row: dict[Any, Any], metric: str) -> tuple[str, ...]:
    def shown(name: str) -> str:
        return wording.MISSING if wording.absent(row[name]) else value(metric, float(row[name]))

    trials = f"{row['complete']} of {row['trials']} complete" if row["complete"] < row["trials"] else str(row["trials"])
    return row["cell"], row["chosen"], trials, shown("best"), shown("median"), shown("worst"), row["border"]
