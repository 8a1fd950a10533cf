"""Accuracy against timesteps: what each longer network adds to the next shorter one, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import runs_behind, wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series, known
from reports.costs import COSTS
from reports.family import VERDICT_METRIC
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired

_PATH = "model.timesteps"
_ENERGY = COSTS["energy_nj"]


class Timesteps:
    """Levels of the axis over `model.timesteps`, shortest first.

    The frame's columns: timesteps, cells, seeds, accuracy, accuracy_low, accuracy_high (95 % t interval over seed
    blocks), gain over the next shorter network with gain_low, gain_high and gain_seeds (paired by block), energy_nj,
    synops. Only settings of the other axes that are there at every number of timesteps count.
    """

    key = "timesteps-curve"
    title = "Accuracy against timesteps"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] == "search":
            return "a search samples cells; without matched cells the numbers of timesteps cannot be compared"
        if axis_over_timesteps(results) is None:
            return "the study has no axis over the timesteps"
        if len(cells_by_timesteps(results)) < 2:
            return "fewer than two numbers of timesteps share a setting of the other axes"
        return None if _frame(results)["gain"].notna().any() else "no seed block holds two numbers of timesteps"

    def compute(self, results: StudyResults) -> Card:
        frame = _frame(results)
        first_energy = float(frame["energy_nj"].iloc[0])
        rows = tuple(_printed(row, first_energy) for row in frame.to_dict("records"))
        headers = ("timesteps", "accuracy % (95 % CI)", "gain over the row above, points (95 % CI)", _ENERGY.header,
                   "energy, times the first row")  # fmt: skip
        runs = runs_behind.of_cell_ids(results, cells_by_timesteps(results).values())
        caption = (
            "Networks trained for each number of timesteps: test accuracy, and gain over the next shorter ones paired "
            "by seed block, with 95 % intervals; mean energy a sample."
        )
        table = Table(headers, rows, (True,) * len(headers), runs=runs, caption=caption)
        return Card(self.key, self.title, _prose(frame), frame, table, (_note(results),), folded=True,
                    figure=_figure(frame))  # fmt: skip


def _note(results: StudyResults) -> str:
    own = "Every network was trained for its own number of timesteps."
    if any(name.startswith("test_accuracy_at_") for name in results.runs.columns):
        return f"{own} How a trained one fares when its output is read earlier is a table of its own."
    return (
        f"{own} How a trained one fares when its output is read earlier was not recorded; "
        "ablate evaluate CHECKPOINT --data NAME --steps 1..T measures it."
    )


def axis_over_timesteps(results: StudyResults) -> str | None:
    """Name of the axis over the timesteps, if its levels are numbers."""
    for axis in results.study["axes"]:
        if axis.get("path") == _PATH and all(str(level).isdecimal() for level in axis["levels"]):
            return str(axis["name"])
    return None


def cells_by_timesteps(results: StudyResults) -> dict[int, list[str]]:
    """Timesteps -> cells, of the settings of the other axes that have a cell at every number of timesteps."""
    axis = axis_over_timesteps(results)
    settings: dict[frozenset[tuple[str, str]], dict[int, str]] = {}
    for cell in results.study["cells"]:
        others = frozenset((name, level) for name, level in cell["levels"].items() if name != axis)
        settings.setdefault(others, {})[int(cell["levels"][axis])] = cell["cell_id"]
    numbers = sorted({number for found in settings.values() for number in found})
    whole = [found for found in settings.values() if len(found) == len(numbers)]
    return {number: [found[number] for found in whole] for number in numbers if whole}


def _frame(results: StudyResults) -> pd.DataFrame:
    metrics = {name: Outcomes.of(results, name) for name in (VERDICT_METRIC, "energy_nj", "synops")}
    rows: list[dict[str, Any]] = []
    shorter: paired.Floats | None = None
    for number, cells in cells_by_timesteps(results).items():
        at = [metrics[VERDICT_METRIC].rows[each] for each in cells]
        by_block = metrics[VERDICT_METRIC].value[at].mean(axis=0)
        gains = by_block - shorter if shorter is not None else np.full_like(by_block, np.nan)
        reached, gained = paired.moments(by_block), paired.moments(gains)
        (low, high), (gain_low, gain_high) = paired.interval(reached), paired.interval(gained)
        rows.append({
            "timesteps": number, "cells": len(cells), "seeds": int(reached.n[0]), "accuracy": reached.mean[0],
            "accuracy_low": low[0], "accuracy_high": high[0], "gain": gained.mean[0], "gain_low": gain_low[0],
            "gain_high": gain_high[0], "gain_seeds": int(gained.n[0]),
            **{name: _mean(metrics[name].value[at]) for name in ("energy_nj", "synops")},
        })  # fmt: skip
        shorter = by_block
    return pd.DataFrame(rows)


def _mean(values: paired.Floats) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else float("nan")


def _prose(frame: pd.DataFrame) -> tuple[str, ...]:
    cells, blocks = int(frame["cells"].iloc[0]), wording.count(int(frame["seeds"].max()), "seed block")
    others = f"over {cells} settings of the other axes" if cells > 1 else "with the other axes at the baseline's levels"
    sentences = [
        f"Means over {blocks}, {others}. Gains are paired by seed block and descriptive: the verdicts are in the "
        "axis's own table.",
    ]
    kinds = (("supports a gain", frame["gain_low"] > 0), ("supports a loss", frame["gain_high"] < 0))
    for what, chosen in kinds:
        if chosen.any():
            sentences.append(f"The unadjusted interval {what} for the step to {_numbers(frame[chosen])} timesteps.")
    unclear = frame[(frame["gain_low"] <= 0) & (frame["gain_high"] >= 0)]
    if len(unclear):
        sentences.append(f"The interval leaves open whether the step to {_numbers(unclear)} timesteps gains or loses.")
    return tuple(sentences)


def _numbers(rows: pd.DataFrame) -> str:
    return wording.listing([str(each) for each in rows["timesteps"]])


def _printed(row: dict[Any, Any], first_energy: float) -> tuple[str, ...]:
    gain = "" if wording.absent(row["gain"]) else wording.points(row["gain"], row["gain_low"], row["gain_high"])
    return (
        str(row["timesteps"]), wording.percent(row["accuracy"], row["accuracy_low"], row["accuracy_high"]), gain,
        _ENERGY.mean(row["energy_nj"]), wording.fixed(row["energy_nj"] / first_energy, 2),
    )  # fmt: skip


def _figure(frame: pd.DataFrame) -> Chart:
    rows = frame[frame["accuracy"].notna()].to_dict("records")
    points = tuple(
        Point(
            float(row["timesteps"]), float(row["accuracy"]) * 100,
            known(row["accuracy_low"], 100), known(row["accuracy_high"], 100),
            text=f"{wording.count(row['timesteps'], 'timestep')}: "
                 f"{wording.percent(row['accuracy'], row['accuracy_low'], row['accuracy_high'])} %, "
                 f"{wording.count(row['seeds'], 'seed block')}",
        )
        for row in rows
    )  # fmt: skip
    ticks = tuple(point.x for point in points)
    caption = "Mean test accuracy of networks trained for each number of timesteps, with its 95 % interval."
    return Chart("timesteps", "test accuracy, %", (Series("mean", points, joined=True),), caption,
                 x_log=len(ticks) > 2, x_ticks=ticks)  # fmt: skip
