"""Which effects a report is about to show that no report has shown before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

import numpy as np

from reports.family import VERDICT_METRIC, Sides
from reports.looks import Look
from reports.matching import Match, axis_of, matches
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.schema import OPEN

Made = dict[str, list[dict[str, object]]]
"""Axis -> looks as `results.study["looks"]["made"]` holds them."""


def with_this_look(results: StudyResults, made: Made, shown: Collection[str]) -> tuple[Made, frozenset[str]]:
    """The looks including a report of these results, and the runs that have been shown with it.

    A report is a look at an axis if it shows an interval of any of its contrasts and rests on a run that was not shown
    before. Runs that failed and are repeated are none: while they were lost, bounds stood in for whatever they give.

    Args:
        results: what the report is made of.
        made: looks so far.
        shown: runs whose outcomes earlier reports have shown.
    """
    if results.study["design"] == "search":
        return made, frozenset(shown)
    outcomes, runs = Outcomes.of(results, VERDICT_METRIC), _runs(results)
    found, now_shown = {axis: list(looks) for axis, looks in made.items()}, set(shown)
    for axis in results.axes:
        contrasts = [match for match in matches(results, axis_of(results, axis)) if match.pairs]
        if not any(_has_an_interval(match, outcomes) for match in contrasts):
            continue
        planned = {run for match in contrasts for pair in match.pairs for cell in pair for run in runs.get(cell, ())}
        ended = {run for run, open_ in planned if not open_}
        if ended - set(shown) or axis not in found:
            look = Look(len(results.study["seeds"]), len(ended), whole=len(ended) == len(planned))
            found.setdefault(axis, []).append(asdict(look))
        now_shown |= ended
    return found, frozenset(now_shown)


def _has_an_interval(match: Match, outcomes: Outcomes) -> bool:
    differences = Sides.of(match, outcomes, outcomes.value, outcomes.value).differences
    return int((~np.isnan(differences)).sum()) >= 2


def _runs(results: StudyResults) -> dict[str, list[tuple[str, bool]]]:
    """Cell -> its runs, each with whether it has not ended."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for run in results.runs.itertuples():
        if run.status != "excluded":
            found.setdefault(str(run.cell_id), []).append((str(run.run_id), run.status in OPEN))
    return found
