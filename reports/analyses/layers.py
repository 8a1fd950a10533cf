"""Where the network fires and where its operations go, layer by layer, and which cells move a layer most."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series
from reports.costs import COSTS
from reports.results import StudyResults

_CAPTION = (
    "Layers of the baseline: mean spikes per neuron and timestep, the cells with the lowest and the highest rate in "
    "that layer, and synaptic operations a sample."
)
_MEANS = ("firing_rate", "synops", "macs", "acs", "silent", "saturated", "largest")


class Layers:
    """Means over the complete runs of a cell.

    The frame's columns: cell, layer, runs, firing_rate, synops, macs, acs, then silent and saturated (shares of the
    layer's neurons) and largest (value of a residual sum) where they were recorded; one row per cell and layer. The
    table shows the layers of the baseline that fire or have synapses, with the cells of lowest and highest rate.
    """

    key = "layers"
    title = "Firing rates and operations by layer"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.layers.empty:
            return "firing rates and operations by layer were not recorded"
        baseline = _baseline(results)
        if baseline is None:
            return "the study has no baseline cell whose layers could stand for the others"
        if _own(_by_cell(results), baseline).empty:
            return "the baseline has no complete run with a layer that fires or has synapses on record"
        return None

    def compute(self, results: StudyResults) -> Card:
        frame = _by_cell(results)
        own = _own(frame, _baseline(results))
        total = float(own["synops"].sum())
        rows = tuple(_cells(row, frame, total) for row in own.to_dict("records"))
        headers = ["layer", COSTS["firing_rate"].header, "lowest of all cells", "highest", COSTS["synops"].header]
        headers += ["of all SynOps %"]
        headers += ["silent neurons %"] if "silent" in frame else []
        numeric = (False, True, False, False, *(True,) * (len(headers) - 4))
        return Card(self.key, self.title, tuple(_prose(own, frame, total)), frame,
                    Table(tuple(headers), rows, numeric, caption=_CAPTION), tuple(_notes(own, frame)), folded=True,
                    figure=_figure(own, frame))  # fmt: skip


def _baseline(results: StudyResults) -> str | None:
    return next((str(cell["cell"]) for cell in results.study["cells"] if not cell["varied"]), None)


def _own(frame: pd.DataFrame, baseline: str | None) -> pd.DataFrame:
    """The baseline's layers that fire or have synapses."""
    return frame[(frame["cell"] == baseline) & (frame["firing_rate"].notna() | (frame["synops"] > 0))]


def _by_cell(results: StudyResults) -> pd.DataFrame:
    """Means by cell and layer, cells in the order of the study, layers in the network's order, block by block."""
    runs = results.runs[results.runs["status"] == "complete"]
    layers = results.layers[results.layers["run_id"].isin(runs["run_id"])].copy()
    layers["cell"] = layers["run_id"].map(dict(zip(runs["run_id"], runs["cell"], strict=True)))
    means = [name for name in _MEANS if name in layers]
    grouped = layers.groupby(["cell", "layer"], sort=False)
    frame = grouped[means].mean().reset_index()
    frame.insert(2, "runs", grouped["run_id"].nunique().to_numpy())
    place = {str(cell["cell"]): at for at, cell in enumerate(results.study["cells"])}
    names = frame["layer"].unique()
    depth = {layer: at for at, layer in enumerate(sorted(names, key=_depth))}
    order = np.lexsort([frame["layer"].map(depth), frame["cell"].map(place)])
    return frame.iloc[order].reset_index(drop=True)


def _depth(layer: str) -> tuple[int, str]:
    """Stem, stages, head; numbers in their order."""
    first = {"stem": 0, "head": 2}.get(layer.partition(".")[0], 1)
    return first, re.sub(r"\d+", lambda digits: digits.group().zfill(9), layer)


def _prose(own: pd.DataFrame, frame: pd.DataFrame, total: float) -> list[str]:
    runs = wording.count(int(own["runs"].max()), "complete run")
    sentences = [f"The baseline's layers, block by block, means over {runs}."]
    if total > 0:
        top = max(own[own["synops"] > 0].to_dict("records"), key=lambda row: row["synops"])
        multiplied = float(own.loc[own["synops"] > 0, "macs"].sum()) / total
        sentences.append(
            f"Of its synaptic operations {wording.percent(top['synops'] / total)} % are in {top['layer']}, the largest "
            f"share; {wording.percent(multiplied)} % of all are multiply-accumulates, the others accumulates."
        )
    if frame.loc[frame["firing_rate"].notna(), "cell"].nunique() > 1:
        low, high = (f"{wording.significant(row['firing_rate'])} ({row['layer']} of {row['cell']})"
                     for row in _ends(frame))  # fmt: skip
        sentences.append(f"Over all cells the rates of layers reach from {low} to {high}.")
    return sentences


def _ends(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of lowest and of highest firing rate; none where nothing fires."""
    rows: list[dict[Any, Any]] = frame[frame["firing_rate"].notna()].to_dict("records")
    return [f(rows, key=lambda row: row["firing_rate"]) for f in (min, max)] if rows else []


def _cells(row: dict[Any, Any], frame: pd.DataFrame, total: float) -> tuple[str, ...]:
    found = _ends(frame[frame["layer"] == row["layer"]])
    ends = [f"{wording.significant(each['firing_rate'])} ({each['cell']})" for each in found] or ["", ""]
    fires, counts = not wording.absent(row["firing_rate"]), row["synops"] > 0
    cells = [row["layer"], COSTS["firing_rate"].mean(row["firing_rate"]) if fires else "", *ends]
    cells += [COSTS["synops"].mean(row["synops"]) if counts else ""]
    cells += [wording.percent(row["synops"] / total) if counts else ""]
    if "silent" in frame:
        cells += ["" if wording.absent(row["silent"]) else wording.percent(row["silent"])]
    return tuple(cells)


def _notes(own: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    notes = [
        "Rates are spikes per neuron and timestep, operations per sample; both measured on validation samples. "
        "Lowest and highest: the cells with the lowest and highest mean rate in that layer, which describes these runs "
        "and tests nothing.",
    ]
    if "silent" in frame and own["silent"].notna().any():
        notes.append("Silent neurons fired at no step of any validation sample; their share is the mean over the runs.")
    other = len(frame) - len(own)
    if other:
        notes.append(
            f"The other {wording.count(other, 'row')}, other cells and layers without synapses, are in guide.json."
        )
    return notes


def _figure(own: pd.DataFrame, frame: pd.DataFrame) -> Chart | None:
    """Rates of the baseline's firing layers from input to output, with the spread of the cells."""
    fires = own[own["firing_rate"].notna()].to_dict("records")
    if not fires:
        return None
    points = []
    for at, row in enumerate(fires):
        low, high = _ends(frame[frame["layer"] == row["layer"]])
        ends = (f"{wording.significant(each['firing_rate'])} ({each['cell']})" for each in (low, high))
        points.append(Point(
            float(row["firing_rate"]), float(at), x_low=float(low["firing_rate"]), x_high=float(high["firing_rate"]),
            text=f"{row['layer']}: {wording.significant(row['firing_rate'])}, cells from {' to '.join(ends)}, "
                 f"{wording.count(int(row['runs']), 'run')}",
        ))  # fmt: skip
    caption = (
        "Mean firing rate of the baseline's layers, from input to output; the bar reaches from the lowest to the "
        "highest mean of any cell in that layer and is no interval."
    )
    names = tuple(str(row["layer"]) for row in fires)
    series = (Series("baseline", tuple(points)),)
    return Chart("spikes per neuron and timestep", "", series, caption, rows=names)
