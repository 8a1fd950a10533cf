"""What was planned, what became of it, and why."""

from __future__ import annotations

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.outcomes import State, state_of
from reports.results import StudyResults

_WORDS = {State.DIVERGED: "diverged", State.LOST: "lost", State.PRUNED: "pruned", State.ABSENT: "not run"}


class Coverage:
    """Runs that did not complete and cells that were excluded. The frame's columns: cell, seed, outcome, reason."""

    key = "coverage"
    title = "Lost runs and excluded cells"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None

    def compute(self, results: StudyResults) -> Card:
        frame = pd.DataFrame([*_runs(results), *_exclusions(results)], columns=["cell", "seed", "outcome", "reason"])
        planned = results.runs[results.runs["status"] != "excluded"]
        statuses = planned["status"].value_counts()
        counted = [f"{statuses[each]} {each}" for each in sorted(statuses.index)]
        prose = [f"{wording.count(len(planned), 'run')} planned: {wording.listing(counted)}."]
        if frame.empty:
            return Card(self.key, self.title, (*prose, "Nothing was lost and nothing excluded."), frame, folded=True)
        if (frame["outcome"] == "diverged").any():
            classes = results.study["data"].get("classes")
            prose.append(
                f"A diverged run is an outcome and counts at chance accuracy (1/{classes})." if classes else
                "The number of classes is not on record, so a diverged run has no value and counts as lost."
            )  # fmt: skip
        table = Table(tuple(frame.columns), tuple(tuple(map(str, row)) for row in frame.to_numpy().tolist()),
                      (False, True, False, False))  # fmt: skip
        return Card(self.key, self.title, tuple(prose), frame, table, folded=True)


def _runs(results: StudyResults) -> list[tuple[str, str, str, str]]:
    rows = []
    for run in results.runs.itertuples():
        state = state_of(str(run.status), str(run.reason))
        if state != State.COMPLETE and run.status != "excluded":
            rows.append((str(run.cell), str(run.seed), _WORDS[state], str(run.reason) or str(run.status)))
    return rows


def _exclusions(results: StudyResults) -> list[tuple[str, str, str, str]]:
    return [(str(each.get("cell", "")), "all", "excluded", str(each.get("reason", ""))) for each in results.exclusions]
