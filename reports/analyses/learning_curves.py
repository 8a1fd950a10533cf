"""Learning curves: validation accuracy by epoch with its band, and whether training was over when it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from reports import runs_behind, wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import MOST_SERIES, Chart, Point, Series, known
from reports.results import StudyResults
from reports.statistics import paired

Row = dict[Any, Any]

_UNDRAWN = "Drawn are the baseline and the cells that were best and worst in the last epoch, not the {} between them."


class LearningCurves:
    """Validation accuracy of the complete runs of every cell, epochs counted from 1.

    The frame holds the curves for a plot, one row per cell and epoch: cell, epoch, seeds, mean, low, high (95 % t
    interval over seeds), lowest, highest (range over seeds), then change, change_low, change_high: the mean difference
    to the epoch before, paired by run. The table has one row per cell.
    """

    key = "learning-curves"
    title = "Learning curves"

    def inapplicable(self, results: StudyResults) -> str | None:
        return "no complete run has a curve of validation accuracy on record" if _curves(results).empty else None

    def compute(self, results: StudyResults) -> Card:
        frame = _by_epoch(_curves(results), [str(cell["cell"]) for cell in results.study["cells"]])
        ends = [_summary(*of_cell) for of_cell in _told(frame)]
        headers = ("cell", "seeds", "epochs", "first epoch %", "half way %", "last epoch % (95 % CI)",
                   "range over seeds", "change in the last epoch, points (95 % CI)")  # fmt: skip
        runs = runs_behind.of_cells(results, (row[0] for row, _ in ends))
        caption = (
            "Validation accuracy of every cell over its epochs: means over seeds, half way with the epoch in brackets."
        )
        table = Table(headers, tuple(row for row, _ in ends), (False, *(True,) * 7), runs=runs, caption=caption)
        drawn = _drawn(frame, results)
        notes = _notes(results, len(ends) - len(drawn))
        return Card(self.key, self.title, tuple(_prose(ends, results)), frame, table, notes, folded=True,
                    figure=_figure(frame, drawn))  # fmt: skip


def _curves(results: StudyResults) -> pd.DataFrame:
    """Columns cell, seed, epoch, value; only complete runs."""
    runs = results.runs.loc[results.runs["status"] == "complete", ["run_id", "cell", "seed"]]
    wanted = (results.curves["split"] == "val") & (results.curves["metric"] == "accuracy")
    found = results.curves[wanted].merge(runs, on="run_id", how="inner")
    return found.loc[found["value"].notna(), ["cell", "seed", "epoch", "value"]]


def _by_epoch(curves: pd.DataFrame, cells: list[str]) -> pd.DataFrame:
    """The frame of the card, cells in the order given."""
    place = {cell: at for at, cell in enumerate(cells)}
    placed = curves.assign(cell=curves["cell"].map(place))
    values = placed.pivot(index=["cell", "epoch"], columns="seed", values="value")
    before = values.groupby(level="cell").shift()
    of, steps = paired.moments(values.to_numpy(float)), paired.moments((values - before).to_numpy(float))
    (low, high), (change_low, change_high) = paired.interval(of), paired.interval(steps)
    return pd.DataFrame({
        "cell": [cells[at] for at in values.index.get_level_values("cell")],
        "epoch": values.index.get_level_values("epoch").to_numpy(int) + 1, "seeds": of.n, "mean": of.mean, "low": low,
        "high": high, "lowest": values.min(axis=1).to_numpy(), "highest": values.max(axis=1).to_numpy(),
        "change": steps.mean, "change_low": change_low, "change_high": change_high,
    })  # fmt: skip


def _told(frame: pd.DataFrame) -> Iterator[tuple[Row, Row, Row]]:
    """The first epoch of every cell, the one half way and the last; the rows of a cell follow each other."""
    lengths = frame.groupby("cell", sort=False).size().to_numpy()
    first = np.cumsum(lengths) - lengths
    at = np.stack([first, first + (lengths - 1) // 2, first + lengths - 1], axis=1)
    rows: list[Row] = frame.iloc[at.ravel()].to_dict("records")
    return zip(rows[::3], rows[1::3], rows[2::3], strict=True)


def _summary(first: Row, half: Row, last: Row) -> tuple[tuple[str, ...], bool]:
    """The row of a cell, and whether its accuracy still rose in the last epoch."""
    cells = (
        last["cell"], str(last["seeds"]), str(last["epoch"]), wording.percent(first["mean"]),
        f"{wording.percent(half['mean'])} ({half['epoch']})",
        wording.percent(last["mean"], last["low"], last["high"]),
        f"{wording.percent(last['lowest'])} to {wording.percent(last['highest'])}",
        wording.points(last["change"], last["change_low"], last["change_high"]),
    )  # fmt: skip
    return cells, bool(last["change_low"] > 0)


def _prose(ends: list[tuple[tuple[str, ...], bool]], results: StudyResults) -> list[str]:
    rising = [row[0] for row, rises in ends if rises]
    sentences = ["Validation accuracy by epoch, means over the seeds whose runs are complete."]
    if not rising:
        sentences.append(
            "In no cell does the interval of the last epoch's change support a rise; with so few seeds that does not "
            "show that training had come to its end."
        )
    else:
        sentences.append(
            f"Still rising in the last epoch, by its unadjusted interval: {wording.listing(rising)}; the intervals of "
            "the others do not exclude a rise. With longer training cells may have come out otherwise."
        )
    return [*sentences, *_too_short(results)]


def _too_short(results: StudyResults) -> list[str]:
    """How many runs were best in their last epoch: training on may have made them better."""
    runs = results.runs[(results.runs["status"] == "complete") & results.runs["best_epoch"].notna()]
    last = int((runs["best_epoch"] == runs["epochs"] - 1).sum())  # epochs are counted from 0 there
    if not len(runs) or not last:
        return []
    which = "the last epoch was chosen on validation, where the earlier of equally good ones is"
    return [f"In {last} of {wording.count(len(runs), 'run')} {which}."]


def _notes(results: StudyResults, undrawn: int) -> tuple[str, ...]:
    which = "the epoch with the best validation accuracy"
    chosen = which if results.study["protocol"] == "sound" else "an epoch chosen on the test set"
    return (
        "Half way: the epoch in brackets. The intervals are over seeds, for each epoch by itself.",
        f"The accuracies of the other tables are those of {chosen}, not of the last one.",
        "guide.json holds the curves: mean, interval and range for every cell and epoch.",
        *([_UNDRAWN.format(wording.count(undrawn, "cell"))] if undrawn else []),
    )


def _drawn(frame: pd.DataFrame, results: StudyResults) -> list[str]:
    """Cells whose curves a figure holds, in the study's order: all, or the baseline with the best and the worst."""
    last = frame.groupby("cell", sort=False)["mean"].last().sort_values(ascending=False, kind="stable")
    if len(last) <= MOST_SERIES:
        return [str(cell) for cell in frame["cell"].unique()]
    baseline = [str(cell["cell"]) for cell in results.study["cells"] if not cell["varied"]]
    others = [str(cell) for cell in last.index if cell not in baseline]
    worst = (MOST_SERIES - 1) // 2
    kept = {*baseline, *others[: MOST_SERIES - 1 - worst], *others[-worst:]}
    return [str(cell) for cell in frame["cell"].unique() if cell in kept]


def _figure(frame: pd.DataFrame, drawn: list[str]) -> Chart:
    caption = (
        "Validation accuracy by epoch, mean over the seeds of each cell; the band is the 95 % interval of each epoch."
    )
    series = tuple(_series(cell, frame[frame["cell"] == cell]) for cell in drawn)
    return Chart("epoch", "validation accuracy, %", series, caption)


def _series(cell: str, curve: pd.DataFrame) -> Series:
    points = tuple(
        Point(
            float(row["epoch"]), float(row["mean"]) * 100, known(row["low"], 100), known(row["high"], 100),
            text=f"{cell}, epoch {row['epoch']}: {wording.percent(row['mean'], row['low'], row['high'])} %, "
                 f"{wording.count(row['seeds'], 'seed')}",
        )
        for row in curve.to_dict("records")
    )  # fmt: skip
    return Series(cell, points, joined=True, band=True)
