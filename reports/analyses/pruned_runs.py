"""Runs that a pruner stopped in a paired design, and what the contrasts would be with them at the worst."""

from __future__ import annotations

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.family import Family
from reports.outcomes import State
from reports.results import StudyResults


class PrunedRuns:
    """Bounds. The frame's columns: axis, level, pruned, planned, difference, bound, verdict, verdict_at_worst."""

    key = "pruned"
    title = "Pruned runs"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] == "search":
            return "a search has no contrasts that pruned runs could be missing from"
        return None if (results.runs["status"] == "pruned").any() else "no run was pruned"

    def compute(self, results: StudyResults) -> Card:
        rows = [row for axis in results.axes for row in _bounds(Family.of(results, axis))]
        columns = ["axis", "level", "pruned", "planned", "difference", "bound", "verdict", "verdict_at_worst"]
        frame = pd.DataFrame(rows, columns=columns)
        printed = tuple(
            (
                f"{row['axis']}={row['level']}", f"{row['pruned']} of {row['planned']}",
                wording.points(row["difference"]), wording.points(row["bound"]), row["verdict"],
                row["verdict_at_worst"],
            )
            for row in frame.to_dict("records")
        )  # fmt: skip
        runs = results.runs[results.runs["status"] == "pruned"]
        named = [f"{run.cell} seed {run.seed}: {run.reason}" for run in runs.itertuples()]
        prose = (
            f"{wording.count(len(named), 'run')} stopped early because they fell behind their seed block. They are in "
            "no effect, so what remains of their cells is flattered. The bound puts them at accuracy 0; a verdict that "
            "does not survive it rests on the pruning.",
        )
        headers = ("level", "pruned", "difference, points", "bound, points", "verdict", "verdict at the bound")
        caption = "Differences and verdicts of levels with pruned runs, without these runs and with them at accuracy 0."
        table = Table(headers, printed, (False, True, True, True, False, False), caption=caption)
        return Card(self.key, self.title, prose, frame, table, tuple(named), folded=True)


def _bounds(family: Family) -> list[dict[str, object]]:
    rows = []
    for at, match in enumerate(family.contrasts):
        pruned, planned = family.count(at, State.PRUNED, 0)
        if (worst := family.with_pruned_at_worst(at)) is not None:
            rows.append({
                "axis": family.axis, "level": match.level, "pruned": pruned, "planned": planned,
                "difference": float(family.judged.moments.mean[at]), "bound": worst.difference,
                "verdict": family.verdict(at)[0], "verdict_at_worst": family.labelled(worst.verdict),
            })  # fmt: skip
    return rows
