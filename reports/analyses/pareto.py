"""Accuracy against energy: the cells that no other beats in both, and whether other arithmetic would change them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import runs_behind, wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import MOST_ROWS, Chart, Point, Series, known, spread_wide
from reports.costs import COSTS
from reports.family import VERDICT_METRIC
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.front import on_front, probability_on_front
from reports.statistics.paired import Floats

_PICOJOULES = {"fp32": (4.6, 0.9), "fp16": (1.5, 0.4), "int8": (0.23, 0.03)}
"""A multiply-accumulate and an accumulate at 45 nm, in pJ (Horowitz, Computing's Energy Problem, 2014)."""

_KINDS = (("on_front", ""), ("energy", "_nj"))
_ENERGY = COSTS["energy_nj"]
_MOST_DRAWN, _NAMED, _ALL_NAMED = 200, 5, 12
_CALIBRATED = 10
"""Seeds from which the probability holds in simulations (docs/statistics.md)."""


class Pareto:
    """Front of accuracy and energy.

    The frame's columns: cell, accuracy with accuracy_low and accuracy_high, energy_nj with energy_low and energy_high
    (95 % t intervals over seed blocks), probability, on_front, and for each arithmetic (fp32, fp16, int8) on_front_*
    and energy_*_nj, missing where operations were not recorded; beats_control, where a cell is the network without
    spikes: whether the cell needs less energy at no less mean accuracy.
    """

    key = "pareto"
    title = "Accuracy against energy"

    def inapplicable(self, results: StudyResults) -> str | None:
        cells, blocks = _usable(Outcomes.of(results, VERDICT_METRIC).value, Outcomes.of(results, "energy_nj").value)
        if len(cells) < 2:
            return "fewer than two cells have runs with both an accuracy and an energy"
        return None if len(blocks) >= 2 else "no two seed blocks hold every such cell"

    def compute(self, results: StudyResults) -> Card:
        accuracy, energy = Outcomes.of(results, VERDICT_METRIC).value, Outcomes.of(results, "energy_nj").value
        cells, blocks = _usable(accuracy, energy)
        at = np.ix_(cells, blocks)
        value, cost = accuracy[at], energy[at]
        names = [str(results.study["cells"][cell]["cell"]) for cell in cells]
        frame = pd.DataFrame({
            "cell": names, **_means("accuracy", "accuracy", value), **_means("energy_nj", "energy", cost),
            "probability": probability_on_front(value, cost), "on_front": _front(value, cost),
        })  # fmt: skip
        frame = frame.assign(**_by_arithmetic(results, value, at))
        control = frame["cell"].isin(_controls(results))
        if control.any():
            best = frame[control]
            cheaper = frame["energy_nj"].round(9) < best["energy_nj"].round(9).min()
            frame["beats_control"] = cheaper & (frame["accuracy"].round(12) >= best["accuracy"].round(12).max())
        frame = frame.sort_values(["energy_nj", "accuracy", "cell"], ascending=[True, False, True], ignore_index=True)
        against = _against_control(frame, frame["cell"].isin(_controls(results)))
        shown = frame[frame["on_front"] | (frame["probability"] >= 0.05)]
        prose = (*_prose(frame, shown, len(blocks)), *against)
        return Card(self.key, self.title, prose, frame, _table(results, shown, len(blocks)),
                    _notes(frame, shown, len(blocks)), figure=_figure(results, frame, len(blocks)))  # fmt: skip


def _usable(accuracy: Floats, energy: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Cells with any run that has both, and the blocks in which all of these cells have both."""
    there = ~np.isnan(accuracy) & ~np.isnan(energy)
    cells = np.flatnonzero(there.any(axis=1))
    return cells, np.flatnonzero(there[cells].all(axis=0))


def _means(name: str, short: str, values: Floats) -> dict[str, Floats]:
    low, high = paired.interval(paired.moments(values))
    return {name: values.mean(axis=1), f"{short}_low": low, f"{short}_high": high}


def _front(value: Floats, cost: Floats) -> np.ndarray:
    return on_front(value.mean(axis=1).round(12), cost.mean(axis=1).round(9))


def _by_arithmetic(results: StudyResults, value: Floats, at: tuple[np.ndarray, ...]) -> dict[str, Any]:
    macs, acs = (Outcomes.of(results, metric).value[at] for metric in ("macs", "acs"))
    if np.isnan(macs).any() or np.isnan(acs).any():
        return {f"{kind}_{name}{unit}": pd.NA for name in _PICOJOULES for kind, unit in _KINDS}
    energies = {name: (mac * macs + ac * acs) / 1000 for name, (mac, ac) in _PICOJOULES.items()}
    fronts = {f"on_front_{name}": _front(value, energy) for name, energy in energies.items()}
    return fronts | {f"energy_{name}_nj": energy.mean(axis=1) for name, energy in energies.items()}


def _order(frame: pd.DataFrame) -> str:
    """Whether the order of the cells by energy depends on the arithmetic, and for which pairs."""
    energies = [frame[f"energy_{name}_nj"].to_numpy(float).round(9) for name in _PICOJOULES]
    one, two = np.triu_indices(len(frame), 1)
    signs = np.array([np.sign(each[one] - each[two]) for each in energies])
    turned = np.flatnonzero((signs.min(axis=0) < 0) & (signs.max(axis=0) > 0))
    pairs = f"{len(one):,} {'pair' if len(one) == 1 else 'pairs'} of cells"
    if not len(turned):
        return f"The order by energy of all {pairs} is the same in 32-bit and 16-bit floating point and 8-bit integers."
    cells = frame["cell"].tolist()
    named = wording.listing([f"{cells[one[at]]} and {cells[two[at]]}" for at in turned[:_NAMED]])
    verb = "trades" if len(turned) == 1 else "trade"
    rest = f", of which {_NAMED} are named" if len(turned) > _NAMED else ""
    return (
        f"Of {pairs}, {len(turned)} {verb} places by energy between 32-bit and 16-bit floating point and 8-bit integers"
        f"{rest}: {named}."
    )


def _against_control(frame: pd.DataFrame, control: pd.Series) -> list[str]:
    """What the network without spikes says of the others, where it is a cell."""
    if not control.any():
        return ["No cell is the control without spikes (neuron: relu), so this compares these cells alone."]
    cells, beating = frame[~control], frame[~control & frame["beats_control"].astype(bool)]
    names = frame.loc[control, "cell"].tolist()
    which = f"the control without spikes ({names[0]})" if len(names) == 1 else "every control without spikes"
    named = wording.listing(beating["cell"].tolist()[:_NAMED])
    found = f": {named}{' and others' if len(beating) > _NAMED else ''}" if len(beating) else ""
    return [
        f"{len(beating)} of {wording.count(len(cells), 'spiking cell')} need less mean energy than {which} at no less "
        f"mean accuracy{found}."
    ]


def _controls(results: StudyResults) -> set[str]:
    """Names of the cells without spikes."""
    axes = [axis["name"] for axis in results.study["axes"] if axis.get("path") == "model.neuron"]
    return {str(cell["cell"]) for cell in results.study["cells"] for axis in axes if cell["levels"][axis] == "relu"}


def _prose(frame: pd.DataFrame, shown: pd.DataFrame, blocks: int) -> list[str]:
    count = int(frame["on_front"].sum())
    verb = "is" if count == 1 else "are"
    sentences = [
        f"{count} of {wording.count(len(frame), 'cell')} {verb} on the front: no other has at least its accuracy at no "
        f"more energy. Means over {blocks} seed blocks."
    ]
    if frame["on_front_fp32"].isna().any():
        return sentences
    order = _order(frame) if len(frame) <= _MOST_DRAWN else _order(shown)
    changed = frame.loc[frame["on_front_fp32"].astype(bool) != frame["on_front_int8"].astype(bool), "cell"].tolist()
    if not changed:
        return [*sentences, "The front has the same cells with 8-bit integers as with 32-bit floating point.", order]
    return [*sentences, "Whether a cell is on the front depends on the arithmetic (32-bit floating point or 8-bit "
            f"integers) for {wording.listing(changed)}.", order]  # fmt: skip


def _notes(frame: pd.DataFrame, shown: pd.DataFrame, blocks: int) -> tuple[str, ...]:
    notes = [
        "The probability is the share of resamples of the seed blocks in which the cell is on the front. It describes "
        "these seeds; it is no test, and a front picked from many cells flatters the picked ones.",
        "Accuracy is that of the test set; energy counts operations on validation samples, see the first card.",
    ]
    if blocks < _CALIBRATED:
        notes.insert(
            1,
            f"With {wording.count(blocks, 'seed block')} the probability is too sure of itself: in simulated studies "
            "whose runs spread as widely as their cells, 86 % (3 seeds) and 93 % (5 seeds) of the cells with 0.95 or "
            "more were on the front in truth.",
        )
    if not frame["on_front_fp32"].isna().any():
        notes.append("Arithmetic at 45 nm, multiply-accumulate and accumulate (Horowitz 2014): 4.6 and 0.9 pJ in "
                     "32-bit floating point, 1.5 and 0.4 in 16-bit, 0.23 and 0.03 pJ in 8-bit integers.")  # fmt: skip
    left = len(frame) - len(shown)
    if left:
        notes.append(f"Not shown: {wording.count(left, 'cell')} off the front, on it in fewer than 5 % of resamples.")
    if (undrawn := len(frame) - len(_drawn(frame))) > 0:
        notes.append(f"Not drawn: the {wording.count(undrawn, 'cell')} of lowest accuracy.")
    return tuple(notes)


def _table(results: StudyResults, shown: pd.DataFrame, blocks: int) -> Table:
    rows = tuple(
        (row["cell"], wording.percent(row["accuracy"]), _ENERGY.mean(row["energy_nj"]),
         "yes" if row["on_front"] else "no", wording.fixed(row["probability"], 2))
        for row in shown.to_dict("records")
    )  # fmt: skip
    headers = ("cell", "accuracy %", _ENERGY.header, "on the front", "probability")
    runs = runs_behind.of_cells(results, shown["cell"])
    caption = (
        f"Cells on the front of test accuracy and energy, or on it in at least 5 % of resamples of the seed blocks: "
        f"means over {blocks} seed blocks, and the share of resamples with the cell on the front (probability)."
    )
    return Table(headers, rows, (False, True, True, False, True), runs=runs, caption=caption)


def _drawn(frame: pd.DataFrame) -> pd.DataFrame:
    """The front, and as many of the other cells as a figure can hold: those of highest accuracy."""
    others = frame[~frame["on_front"]].sort_values(["accuracy", "cell"], ascending=[False, True]).index[:_MOST_DRAWN]
    return frame[frame["on_front"] | frame.index.isin(others)]


def _named(results: StudyResults, drawn: pd.DataFrame) -> set[str]:
    """Cells whose names are printed: all where they are few; else the baseline and the front, if a figure holds it."""
    if len(drawn) <= _ALL_NAMED:
        return set(drawn["cell"])
    baseline = {str(cell["cell"]) for cell in results.study["cells"] if not cell["varied"]}
    front = set(drawn.loc[drawn["on_front"], "cell"])
    return baseline | (front if len(front) < MOST_ROWS else set())


def _figure(results: StudyResults, frame: pd.DataFrame, blocks: int) -> Chart:
    drawn = _drawn(frame)
    named = _named(results, drawn)
    parts = {"on the front": drawn[drawn["on_front"]], "off the front": drawn[~drawn["on_front"]]}
    series = tuple(
        Series(
            name,
            tuple(_point(row, blocks, named) for row in rows.to_dict("records")),
            joined=name == "on the front",
            stepped=True,
        )
        for name, rows in parts.items()
        if len(rows)
    )
    caption = (
        "Mean accuracy and energy of every cell with their 95 % intervals over seed blocks. The joined points are the "
        "front of these means: no other cell has at least their accuracy at no more energy; the line goes in steps, "
        "since nothing was trained between them."
    )
    energies = (point.x for each in series for point in each.points)
    return Chart("energy per sample, nJ", "test accuracy, %", series, caption, x_log=spread_wide(energies))


def _point(row: dict[Any, Any], blocks: int, named: set[str]) -> Point:
    accuracy = wording.percent(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
    low, high = (_ENERGY.mean(row[f"energy_{end}"]) for end in ("low", "high"))
    energy = f"{_ENERGY.mean(row['energy_nj'])} ({low}, {high}) nJ"
    return Point(
        float(row["energy_nj"]), float(row["accuracy"]) * 100,
        known(row["accuracy_low"], 100), known(row["accuracy_high"], 100),
        known(row["energy_low"]), known(row["energy_high"]),
        text=f"{row['cell']}: {accuracy} %, {energy}, {wording.count(blocks, 'seed block')}",
        label=row["cell"] if row["cell"] in named else "",
    )  # fmt: skip
