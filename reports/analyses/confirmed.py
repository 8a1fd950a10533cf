"""Selected cells on fresh seeds: figures that the selection has not flattered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import MOST_ROWS, Chart, Point, Series, known
from reports.results import StudyResults
from reports.statistics import paired


class Confirmed:
    """Confirmation runs. The frame's columns: cell, seeds, planned, accuracy, low, high, selected (mean before)."""

    key = "confirmation"
    title = "Confirmation on fresh seeds"

    def inapplicable(self, results: StudyResults) -> str | None:
        return (
            None if len(results.confirmation) else "no cell was confirmed (ablate run STUDY --confirm best --seeds 5)"
        )

    def compute(self, results: StudyResults) -> Card:
        frame = pd.DataFrame([_row(results, str(cell)) for cell in dict.fromkeys(results.confirmation["cell"])])
        rows = tuple(
            (
                row["cell"], f"{row['seeds']} of {row['planned']}",
                wording.percent(row["accuracy"], row["low"], row["high"]), wording.percent(row["selected"]),
            )
            for row in frame.to_dict("records")
        )  # fmt: skip
        headers = ("cell", "fresh seeds", "test accuracy % (95 % CI)", "on the seeds it was selected on")
        runs = tuple(_runs(results, str(cell)) for cell in frame["cell"])
        caption = (
            "Test accuracy of the selected cells on fresh seeds, with 95 % intervals over seeds, and on the seeds that "
            "they were selected on."
        )
        table = Table(headers, rows, (False, True, True, True), runs=runs, caption=caption)
        seeds = sorted({int(each) for each in results.confirmation["seed"]})
        prose = (
            "The cells were selected on other seeds; these runs took no part in that, and they enter no effect.",
            f"Seeds {', '.join(map(str, seeds))}. Intervals over seeds are conditional on this test set.",
        )
        notes = (f"Drawn are the first {MOST_ROWS} of {len(frame)} cells.",) if len(frame) > MOST_ROWS else ()
        return Card(self.key, self.title, prose, frame, table, notes,
                    figure=_figure(frame.head(MOST_ROWS)))  # fmt: skip


def _runs(results: StudyResults, cell: str) -> tuple[str, ...]:
    fresh = results.confirmation
    return tuple(fresh.loc[fresh["cell"] == cell, "run_id"])


def _row(results: StudyResults, cell: str) -> dict[str, object]:
    fresh = results.confirmation[results.confirmation["cell"] == cell]
    before = results.runs[(results.runs["cell"] == cell) & (results.runs["status"] == "complete")]
    values = fresh.loc[fresh["status"] == "complete", "test_accuracy"].astype(float).to_numpy()
    of = paired.moments(values if len(values) else np.full(1, np.nan))
    low, high = paired.interval(of)
    return {
        "cell": cell, "seeds": len(values), "planned": len(fresh), "accuracy": float(of.mean[0]),
        "low": float(low[0]), "high": float(high[0]),
        "selected": float(before["test_accuracy"].astype(float).mean()) if len(before) else float("nan"),
    }  # fmt: skip


def _figure(frame: pd.DataFrame) -> Chart | None:
    """What the selection promised beside what fresh seeds gave."""
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    fresh = tuple(_fresh(at, row) for at, row in enumerate(rows) if known(row["accuracy"]) is not None)
    before = tuple(
        Point(float(row["selected"]) * 100, float(at),
              text=f"{row['cell']}, seeds it was selected on: {wording.percent(row['selected'])} %")
        for at, row in enumerate(rows) if known(row["selected"]) is not None
    )  # fmt: skip
    if not fresh:
        return None
    caption = (
        "Test accuracy of the selected cells on fresh seeds with its 95 % interval, beside their mean on the seeds "
        "they were selected on."
    )
    series = (Series("fresh seeds", fresh), *((Series("seeds of the selection", before),) if before else ()))
    return Chart("test accuracy, %", "", series, caption, rows=tuple(str(row["cell"]) for row in rows))


def _fresh(at: int, row: dict[Any, Any]) -> Point:
    accuracy = wording.percent(row["accuracy"], row["low"], row["high"])
    return Point(
        float(row["accuracy"]) * 100, float(at), x_low=known(row["low"], 100), x_high=known(row["high"], 100),
        text=f"{row['cell']}, fresh seeds: {accuracy} %, {wording.count(int(row['seeds']), 'seed')}",
    )  # fmt: skip
