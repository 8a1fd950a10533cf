"""What became of every cell in every seed block: one matrix a metric, with lost and diverged runs told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from reports.once import once_per_study
from reports.results import StudyResults
from reports.statistics.paired import Floats


class State(IntEnum):
    """Fate of one run, as far as an effect is concerned."""

    COMPLETE = 0
    DIVERGED = 1  # an outcome of the cell: it enters at chance accuracy
    LOST = 2  # for technical reasons, or complete without the metric: its value is unknown
    PRUNED = 3  # stopped by rule: never enters an effect
    ABSENT = 4  # not run (yet), or not planned


def state_of(status: str, reason: str) -> State:
    """Fate of a run by its status and reason in `runs.csv`."""
    if status == "failed":
        return State.DIVERGED if reason.startswith("diverged") else State.LOST
    return {"complete": State.COMPLETE, "pruned": State.PRUNED}.get(status, State.ABSENT)


@dataclass(frozen=True)
class Outcomes:
    """Values and states `[cells, seed blocks]` of one metric; NaN where a run has no value.

    Attributes:
        rows: cell_id -> row.
        seeds: the seed of each column.
        value: the metric; chance accuracy for diverged runs.
        state: a `State` each.
    """

    rows: dict[str, int]
    seeds: tuple[int, ...]
    value: Floats
    state: NDArray[np.int8]

    @classmethod
    def of(cls, results: StudyResults, metric: str) -> Outcomes:
        """Spread a column of `runs.csv`. Diverged runs get 1/classes if the metric is an accuracy, else no value.

        Computed once: nearly every card of a guide asks for the same few metrics.
        """
        return _spread(results, metric)

    def count(self, cells: Iterable[str], state: State) -> tuple[int, int]:
        """How many runs of these cells have a state, and of how many; a cell that is named twice counts once."""
        states = self.state[sorted({self.rows[cell] for cell in cells})]
        return int((states == state).sum()), int(states.size)

    def without_diverged(self) -> Floats:
        """Values `[cells, blocks]` with diverged runs left out: the sensitivity analysis."""
        return np.where(self.state == State.DIVERGED, np.nan, self.value)

    def with_pruned_at(self, limit: float) -> Floats:
        """Values `[cells, blocks]` with pruned runs at a limit of the metric."""
        return np.where(self.state == State.PRUNED, limit, self.value)

    def with_lost_at(self, limit: float) -> Floats:
        """Values `[cells, blocks]` with technically lost runs at a limit of the metric: one side of a bound."""
        return np.where(self.state == State.LOST, limit, self.value)


@once_per_study
def _spread(results: StudyResults, metric: str) -> Outcomes:
    runs = results.runs[results.runs["status"] != "excluded"]
    rows = {cell["cell_id"]: at for at, cell in enumerate(results.study["cells"])}
    seeds = tuple(sorted({int(each) for each in runs["seed"]} | {int(each) for each in results.study["seeds"]}))
    columns = {seed: at for at, seed in enumerate(seeds)}
    at = runs["cell_id"].map(rows).to_numpy(int), runs["seed"].map(columns).to_numpy(int)
    value, state = np.full((len(rows), len(seeds)), np.nan), np.full((len(rows), len(seeds)), State.ABSENT, np.int8)
    state[at] = [state_of(*each) for each in zip(runs["status"], runs["reason"], strict=True)]
    value[at] = runs[metric].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
    classes = results.study["data"].get("classes")
    chance = 1 / classes if classes and metric.endswith("accuracy") else np.nan
    value = np.where(state == State.DIVERGED, chance, np.where(state == State.COMPLETE, value, np.nan))
    unknown = np.isnan(value) & (state <= State.DIVERGED)
    state = np.where(unknown, State.LOST, state).astype(np.int8)
    value.flags.writeable = state.flags.writeable = False  # shared by all who ask
    return Outcomes(rows, seeds, value, state)
