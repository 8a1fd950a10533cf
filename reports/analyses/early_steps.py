"""Accuracy when the output of a trained network is read before all of its steps have run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series, known
from reports.analyses.timesteps import axis_over_timesteps, cells_by_timesteps
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired

_COLUMN = "test_accuracy_at_"
_COLUMNS = ("timesteps", "read_at", "cells", "seeds", "accuracy", "accuracy_low", "accuracy_high", "difference",
            "difference_low", "difference_high")  # fmt: skip


class EarlySteps:
    """Readouts cut after the first steps, for each number of timesteps, or of the baseline where that is no axis.

    The frame's columns: timesteps T, read_at, cells, seeds, accuracy with accuracy_low and accuracy_high (95 % t
    interval over seed blocks), and difference to the same runs read after all T steps, paired by block, with
    difference_low and difference_high. Diverged runs have no network to read and do not count.
    """

    key = "early-steps"
    title = "Accuracy when the output is read early"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] == "search":
            return "a search samples cells; without matched cells the numbers of timesteps cannot be compared"
        if not _read_at(results):
            return "accuracy at early steps was not recorded"
        return None if _frame(results)["difference"].notna().any() else "no network was read before its last step"

    def compute(self, results: StudyResults) -> Card:
        frame = _frame(results)
        headers = ("timesteps", "read at step", "accuracy % (95 % CI)", "against all steps, points (95 % CI)", "seeds")
        caption = (
            "Test accuracy with the output read after the first steps of a network trained for more, and its "
            "difference to all steps paired by seed block, with 95 % intervals."
        )
        table = Table(headers, tuple(_printed(row) for row in frame.to_dict("records")), (True,) * len(headers),
                      caption=caption)  # fmt: skip
        return Card(self.key, self.title, tuple(_prose(results, frame)), frame, table, _NOTES, folded=True,
                    figure=_figure(frame))  # fmt: skip


_NOTES = (
    "The networks were trained to be read after all of their steps. Test was evaluated once: the same outputs "
    "over time are read at every step.",
    "What an early exit would save was not measured: the operations of the first steps are not those of the last, so "
    "no energy stands beside these accuracies.",
)


def _read_at(results: StudyResults) -> list[int]:
    """Numbers of steps at which any run was read."""
    columns = {name: re.fullmatch(rf"{_COLUMN}([1-9]\d*)", name) for name in results.runs.columns}
    return sorted(int(found[1]) for name, found in columns.items() if found and results.runs[name].notna().any())


def _groups(results: StudyResults, steps: list[int]) -> dict[int, list[str]]:
    """Timesteps -> cells; of a study without an axis over them, the baseline's, which was read at its last step too."""
    if axis_over_timesteps(results) is not None:
        return cells_by_timesteps(results)
    baseline = [cell["cell_id"] for cell in results.study["cells"] if not cell["varied"]]
    runs = results.runs[results.runs["cell_id"].isin(baseline)]
    read = [t for t in steps if runs[f"{_COLUMN}{t}"].notna().any()]
    return {max(read): baseline} if read else {}


def _frame(results: StudyResults) -> pd.DataFrame:
    steps = _read_at(results)
    read = {t: Outcomes.of(results, f"{_COLUMN}{t}") for t in steps}
    rows: list[dict[str, Any]] = []
    for timesteps, cells in _groups(results, steps).items():
        if timesteps not in read:
            continue
        at = [read[timesteps].rows[each] for each in cells]
        whole = read[timesteps].value[at].mean(axis=0)
        for t in (each for each in steps if each <= timesteps):
            by_block = read[t].value[at].mean(axis=0)
            reached = paired.moments(by_block)
            lost = paired.moments(by_block - whole if t < timesteps else np.full_like(whole, np.nan))
            if not reached.n[0]:
                continue
            (low, high), (lost_low, lost_high) = paired.interval(reached), paired.interval(lost)
            rows.append({
                "timesteps": timesteps, "read_at": t, "cells": len(cells), "seeds": int(reached.n[0]),
                "accuracy": reached.mean[0], "accuracy_low": low[0], "accuracy_high": high[0],
                "difference": lost.mean[0], "difference_low": lost_low[0], "difference_high": lost_high[0],
            })  # fmt: skip
    return pd.DataFrame(rows, columns=[*_COLUMNS])


def _prose(results: StudyResults, frame: pd.DataFrame) -> Iterator[str]:
    blocks, cells = wording.count(int(frame["seeds"].max()), "seed block"), int(frame["cells"].iloc[0])
    if axis_over_timesteps(results) is None:
        over = "of the baseline"
    else:
        over = f"over {cells} settings of the other axes" if cells > 1 else "at the baseline's other levels"
    yield f"Means over {blocks}, {over}; differences are paired by seed block and descriptive."
    for timesteps, rows in frame[frame["difference"].notna()].groupby("timesteps", sort=True):
        yield from _supported(int(str(timesteps)), rows)


def _supported(timesteps: int, rows: pd.DataFrame) -> Iterator[str]:
    low, high = rows["difference_low"], rows["difference_high"]
    trained = f"Networks trained for {wording.count(timesteps, 'step')}"
    for what, chosen in (("lose", high < 0), ("gain", low > 0)):
        if chosen.any():
            yield f"{trained} {what} when read at {_steps(rows[chosen])}, by the unadjusted interval."
    if (open_ := (low <= 0) & (high >= 0) & (low < high)).any():
        yield f"{trained} may lose or gain when read at {_steps(rows[open_])}: the interval leaves it open."


def _steps(rows: pd.DataFrame) -> str:
    numbers = [str(each) for each in rows["read_at"]]
    return f"step{'' if len(numbers) == 1 else 's'} {wording.listing(numbers)}"


def _printed(row: dict[Any, Any]) -> tuple[str, ...]:
    lost = wording.points(row["difference"], row["difference_low"], row["difference_high"])
    return (
        str(row["timesteps"]), str(row["read_at"]),
        wording.percent(row["accuracy"], row["accuracy_low"], row["accuracy_high"]),
        "" if row["read_at"] == row["timesteps"] else lost, str(row["seeds"]),
    )  # fmt: skip


def _figure(frame: pd.DataFrame) -> Chart:
    def point(row: dict[Any, Any]) -> Point:
        reached = wording.percent(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
        return Point(
            float(row["read_at"]), float(row["accuracy"]) * 100,
            known(row["accuracy_low"], 100), known(row["accuracy_high"], 100),
            text=f"{wording.count(row['timesteps'], 'timestep')}, read at step {row['read_at']}: {reached} %, "
                 f"{wording.count(row['seeds'], 'seed block')}",
        )  # fmt: skip

    series = tuple(
        Series(f"T = {timesteps}", tuple(point(row) for row in rows.to_dict("records")), joined=True, band=True)
        for timesteps, rows in frame.groupby("timesteps", sort=True)
    )
    ticks = tuple(sorted({float(each) for each in frame["read_at"]}))
    caption = (
        "Mean test accuracy with the output read after the first steps, a line for each number of timesteps that "
        "networks were trained for; bands are 95 % intervals."
    )
    return Chart("read at step", "test accuracy, %", series, caption, x_log=len(ticks) > 2, x_ticks=ticks)
