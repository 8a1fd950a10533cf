"""Notes below the table of one axis: what its verdicts and intervals hold for, and what befell its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reports import wording
from reports.costs import COSTS
from reports.effects import UNTUNED
from reports.looks import AxisLooks
from reports.results import StudyResults
from reports.statistics.verdict import BETTER, EQUIVALENT, WORSE
from reports.twins import twins


def notes_of(results: StudyResults, contrasts: pd.DataFrame, costs: Sequence[str]) -> tuple[str, ...]:
    """What a reader must know to read the table of an axis; `costs` are the metrics that have a column."""
    axis = str(contrasts["axis"].iloc[0])
    notes = [each for each in (AxisLooks.of(results, axis).sentence(axis),) if each]
    if not results.study.get("tuned"):
        notes.append(f"Every verdict is {UNTUNED}: they were chosen for the baseline, not for the other levels.")
    if results.study["protocol"] == "paper_compat":
        notes.append("These numbers are test-selected: the epoch was chosen on the test set, so they are optimistic.")
    if results.study["design"] == "factorial":
        notes.append("A difference is the mean over exactly the matched cells, averaged within a block first.")
    missing = [COSTS[name].header for name in COSTS if name not in costs]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        notes.append(f"Without data and left out: {wording.listing(missing)} {verb} in none of the runs.")
    notes += [_same_function(levels) for levels in twins(results, axis)]
    notes += _equivalent_where_trained(contrasts)
    notes += _adjusted(contrasts)
    notes += _correlation(contrasts)
    notes += _beyond_this_test_set(contrasts)
    notes += _beyond_these_settings(contrasts)
    return (*notes, *(note for row in contrasts.to_dict("records") for note in _row_notes(row)))


def _same_function(levels: tuple[str, ...]) -> str:
    return (
        f"{wording.listing(list(levels))} came out the same to the last digit in every run: with the other settings of "
        "this study they compute the same function, so their rows are one finding and their tie says nothing of the "
        "levels."
    )


def _equivalent_where_trained(contrasts: pd.DataFrame) -> list[str]:
    """What few seeds cannot exclude: a level that rarely diverges looks like one that never does."""
    alike = contrasts[contrasts["verdict"] == EQUIVALENT]
    if alike.empty:
        return []
    blocks = int(alike["seeds"].min())
    return [
        f"Equivalent speaks of runs that train: {blocks} seed blocks without a diverged run are no evidence (at 5 %) "
        f"against one in {wording.significant(1 / (1 - 0.05 ** (1 / blocks)), 2)} diverging."
    ]


def _beyond_this_test_set(contrasts: pd.DataFrame) -> list[str]:
    """One note with the intervals that also cover the choice of the test samples, where they could be computed."""
    known = contrasts[contrasts["ci_task_low"].notna()]
    if known.empty:
        return []
    wider = known[(known["ci_task_low"] < known["ci_low"]) | (known["ci_task_high"] > known["ci_high"])]
    if wider.empty:
        return [
            "The intervals of the table are conditional on this test set. Those for the task, which resample seeds and "
            "test samples at once, are no wider here; the wider of the two counts, so these stand."
        ]
    spans = _spans(wider, "ci_task_low", "ci_task_high")
    others = "" if len(wider) == len(known) else "; for the others those of the table are the wider ones"
    return [
        "The intervals of the table are conditional on this test set. For the task, which resamples seeds and test "
        f"samples at once, the wider of the two counts (points): {spans}{others}."
    ]


def _spans(contrasts: pd.DataFrame, low: str, high: str) -> str:
    rows = contrasts.to_dict("records")
    return "; ".join(f"{row['axis']}={row['level']} {wording.span(row[low], row[high])}" for row in rows)


def _adjusted(contrasts: pd.DataFrame) -> list[str]:
    """The intervals that hold for all contrasts of the axis at once, where there are several."""
    known = contrasts[contrasts["ci_adj_low"].notna() & (contrasts["ci_method"] != "degenerate")]
    if known.empty or int(contrasts["family_size"].max()) < 2:
        return []
    return [
        "The intervals of the table are each for itself. Adjusted for all contrasts of the axis at once (Bonferroni, "
        f"points): {_spans(known, 'ci_adj_low', 'ci_adj_high')}. They ask more than Holm's test, which decides, so one "
        "may hold 0 beside a verdict."
    ]


def _correlation(contrasts: pd.DataFrame) -> list[str]:
    """What pairing by seed block brought."""
    rows = contrasts[contrasts["pair_correlation"].notna()].to_dict("records")
    if not rows:
        return []
    said = [f"{row['axis']}={row['level']} {wording.fixed(row['pair_correlation'], 2)}" for row in rows]
    return [
        f"Correlation of the pairs over seed blocks: {'; '.join(said)}. Few blocks estimate it roughly; where it truly "
        "is not positive, pairing costs degrees of freedom and brings nothing."
    ]


def _beyond_these_settings(contrasts: pd.DataFrame) -> list[str]:
    """One note with the intervals that also cover the choice of the other axes' settings, where cells are matched."""
    known = contrasts[contrasts["ci_settings_low"].notna()]
    if known.empty:
        return []
    spans = _spans(known, "ci_settings_low", "ci_settings_high")
    return [
        "The intervals of the table are for exactly these matched cells. For other settings of the remaining axes as "
        f"well as other seeds, were these cells a sample of them (crossed random effects, points): {spans}."
    ]


def _row_notes(row: dict[Any, Any]) -> list[str]:
    level, notes = row["level"], []
    reason = str(row["reason"]).partition("; ")[0]
    plain = row["verdict"] in (BETTER, WORSE) or reason.startswith(("inside the margin", "the data decide"))
    if not plain and not reason.startswith("look "):
        notes.append(f"{level} is {row['verdict']}: {reason}.")
    if not wording.absent(row["difference_without_diverged"]):
        difference = wording.points(row["difference_without_diverged"])
        verdict = row["verdict_without_diverged"]
        notes.append(f"{level} without diverged runs (they count at chance): {difference} points, {verdict}.")
    if not wording.absent(row["bound_low"]):
        low, high = wording.points(row["bound_low"]), wording.points(row["bound_high"])
        notes.append(f"{level} with lost runs at the limits of accuracy (bounds): {low} to {high} points.")
    if row["cells_matched"] and row["cells_matched"] < row["cells_planned"]:
        notes.append(f"{level}: {row['cells_matched']} of {row['cells_planned']} cells are matched.")
    return notes
