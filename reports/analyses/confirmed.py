"""Selected cells on fresh seeds: figures that the selection has not flattered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
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
        seeds = sorted({int(each) for each in results.confirmation["seed"]})
        prose = (
            "The cells were selected on other seeds; these runs took no part in that, and they enter no effect.",
            f"Seeds {', '.join(map(str, seeds))}. Intervals over seeds are conditional on this test set.",
        )
        return Card(self.key, self.title, prose, frame, Table(headers, rows, (False, True, True, True)))


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
