"""What each cell's tuning chose, and how much it mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.best_cells import value
from reports.analyses.card import Card, Table
from reports.analyses.figure import MOST_ROWS, Chart, Point, Series
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
        notes = ["A choice at a border of its range may have wanted to go further: widen the space."]
        notes = notes if frame["border"].any() else []
        known = frame[frame[["best", "median", "worst"]].notna().all(axis=1)]
        notes += [f"Drawn are the first {MOST_ROWS} of {len(known)} cells."] if len(known) > MOST_ROWS else []
        caption = f"Tuning of every cell: the values chosen, and {metric} of its best, median and worst trial."
        table = Table(headers, printed, (False, False, True, True, True, True, False), caption=caption)
        return Card(self.key, self.title, prose, frame, table, tuple(notes),
                    figure=_figure(known.head(MOST_ROWS), metric), folded=True)  # fmt: skip


def _chosen(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{path}={settings[path]}" for path in sorted(settings))


def _cells(row: dict[Any, Any], metric: str) -> tuple[str, ...]:
    def shown(name: str) -> str:
        return wording.MISSING if wording.absent(row[name]) else value(metric, float(row[name]))

    trials = f"{row['complete']} of {row['trials']} complete" if row["complete"] < row["trials"] else str(row["trials"])
    return row["cell"], row["chosen"], trials, shown("best"), shown("median"), shown("worst"), row["border"]


def _figure(frame: pd.DataFrame, metric: str) -> Chart | None:
    """The median trial of every cell with the reach from its worst to its best."""
    scale, unit = (100, ", %") if metric.endswith("accuracy") else (1, "")
    points = tuple(
        Point(
            float(row["median"]) * scale, float(at),
            x_low=float(min(row["best"], row["worst"])) * scale, x_high=float(max(row["best"], row["worst"])) * scale,
            text=f"{row['cell']}: best {value(metric, row['best'])}, median {value(metric, row['median'])}, worst "
                 f"{value(metric, row['worst'])}, {wording.count(int(row['complete']), 'trial')}",
        )
        for at, row in enumerate(frame.to_dict("records"))
    )  # fmt: skip
    if not points:
        return None
    caption = (
        f"Median {metric} of the trials of every cell's tuning; the bar reaches from the worst trial to the best and "
        "is no interval."
    )
    return Chart(f"{metric}{unit}", "", (Series("median", points),), caption, rows=tuple(map(str, frame["cell"])))
