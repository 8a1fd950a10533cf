"""What was planned, what became of it, and why."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.effects import effects
from reports.outcomes import State, state_of
from reports.results import StudyResults

_LISTED, _NAMED = 20, 10
_WORDS = {State.DIVERGED: "diverged", State.LOST: "lost", State.PRUNED: "pruned", State.ABSENT: "not run"}


class Coverage:
    """Runs that did not complete and cells that were excluded, and what lost runs could change.

    The frame's columns: cell, seed, outcome, reason. A long list is printed by reason; guide.json holds every run.
    """

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
        prose += _bounds(results)
        lost = _lost(results)
        runs = (*((str(run.run_id),) for run, _ in lost), *((),) * (len(frame) - len(lost)))
        table = _by_reason(frame) if len(frame) > _LISTED else Table(
            tuple(frame.columns), tuple(tuple(map(str, row)) for row in frame.to_numpy().tolist()),
            (False, True, False, False), runs=runs, caption="Lost and diverged runs, and excluded cells.",
        )  # fmt: skip
        return Card(self.key, self.title, tuple(prose), frame, table, folded=True)


def _by_reason(frame: pd.DataFrame) -> Table:
    """How often each outcome and reason came, most frequent first, in how many cells."""
    groups = frame.groupby(["outcome", "reason"], sort=True)
    rows = [(str(outcome), str(reason), len(own), own["cell"].nunique()) for (outcome, reason), own in groups]
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return Table(("outcome", "reason", "runs or cells", "in cells"),
                 tuple((outcome, reason, f"{count:,}", f"{cells:,}") for outcome, reason, count, cells in rows),
                 (False, False, True, True),
                 caption="Lost and diverged runs and excluded cells, by reason.")  # fmt: skip


def _bounds(results: StudyResults) -> list[str]:
    """A sentence for each contrast with lost runs: what it would be with them at the worst, either way."""
    if results.study["design"] == "search":
        return []
    contrasts = effects(results)
    rows = contrasts[contrasts["bound_low"].notna()].to_dict("records")
    sentences = [_bound(row) for row in rows[:_NAMED]]
    if len(rows) > _NAMED:
        more = wording.count(len(rows) - _NAMED, "further contrast")
        sentences.append(f"{more} with lost runs: effects.csv holds the bounds.")
    return sentences


def _bound(row: dict[Any, Any]) -> str:
    lost = wording.count(int(row["lost_level"] + row["lost_reference"]), "lost run")
    ends = (row["verdict_bound_low"], row["verdict_bound_high"])
    moved = f"is {ends[0]} at the lower and {ends[1]} at the upper"
    stands = "stands at both" if ends == (row["verdict"],) * 2 else moved
    return (
        f"{row['axis']}={row['level']} against {row['reference']}, {row['verdict']}: with its {lost} at the limits of "
        f"accuracy the difference is bounded by {wording.span(row['bound_low'], row['bound_high'])} points; "
        f"the verdict {stands}."
    )


def _lost(results: StudyResults) -> list[tuple[Any, State]]:
    """The planned runs that did not complete, and what became of them."""
    ends = ((run, state_of(str(run.status), str(run.reason))) for run in results.runs.itertuples())
    return [(run, state) for run, state in ends if state != State.COMPLETE and run.status != "excluded"]


def _runs(results: StudyResults) -> list[tuple[str, str, str, str]]:
    return [
        (str(run.cell), str(run.seed), _WORDS[state], str(run.reason) or str(run.status))
        for run, state in _lost(results)
    ]


def _exclusions(results: StudyResults) -> list[tuple[str, str, str, str]]:
    return [(str(each.get("cell", "")), "all", "excluded", str(each.get("reason", ""))) for each in results.exclusions]
