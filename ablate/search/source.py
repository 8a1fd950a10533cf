"""A search as a source of runs: draws a cell when a worker is free, tells the sampler what became of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from statistics import mean

from optuna.trial import TrialState

from ablate.attempts import Planned
from ablate.config import Study
from ablate.design import PlannedRun
from ablate.records import RunRecord
from ablate.search.booking import SampledRun
from ablate.search.drawing import Drawing, Drawn
from ablate.search.seeds import Values, hopeless
from ablate.search.trials import SampledTrials


class SearchSource:
    """Gives the runs of a search, each once; trials that a dead process left open come first.

    Args:
        study: the search.
        trials: where its trials are kept.
        drawing: draws its cells.
        statuses: status of every run that the ledger knows, by run id.
    """

    def __init__(
        self, study: Study, trials: SampledTrials, drawing: Drawing, statuses: Callable[[], Mapping[str, str]]
    ) -> None:
        assert study.fields.search is not None
        self._study = study
        self._search = study.fields.search
        self._trials = trials
        self._drawing = drawing
        self._due: deque[SampledRun] = deque()
        self._open: dict[str, _Cell] = {}
        for drawn in [*drawing.open(), *self._revived(statuses())]:
            self._begin(drawn)

    def more(self) -> SampledRun | None:
        if not self._due and (drawn := self._drawing.draw()) is not None:
            self._begin(drawn)
        return self._due.popleft() if self._due else None

    def ended(self, run: Planned, record: RunRecord) -> None:
        cell = self._open[run.cell.cell_id]
        cell.records[run.seed] = record
        cell.given -= 1
        if record.status != "complete" or self._is_hopeless(cell):
            cell.dropped = True
            kept = deque(each for each in self._due if each.cell.cell_id != run.cell.cell_id)
            cell.given -= len(self._due) - len(kept)  # they will not end, since they will not begin
            self._due = kept
        elif self._search.pruner == "wilcoxon" and cell.waiting:
            self._give(cell)
        if not cell.given and (cell.dropped or not cell.waiting):
            self._end(cell)

    def _revived(self, statuses: Mapping[str, str]) -> list[Drawn]:
        """Trials that have ended and runs of which wait again: a person has asked to repeat what failed or diverged."""
        latest = {trial.user_attrs["cell_id"]: trial for trial in self._trials.all()}
        return [
            self._drawing.again(trial)
            for trial in latest.values()
            if trial.state.is_finished()
            and any(statuses.get(f"{trial.user_attrs['cell_id']}-{seed}") == "missing" for seed in self._study.seeds)
        ]

    def _begin(self, drawn: Drawn) -> None:
        runs = deque(PlannedRun(drawn.cell.run_id(seed), drawn.cell, seed) for seed in self._study.seeds)
        cell = self._open[drawn.cell.cell_id] = _Cell(drawn, runs)
        self._give(cell)
        while cell.waiting and self._search.pruner != "wilcoxon":
            self._give(cell)

    def _give(self, cell: _Cell) -> None:
        cell.given += 1
        self._due.append(SampledRun(cell.waiting.popleft()))

    def _is_hopeless(self, cell: _Cell) -> bool:
        if self._search.pruner != "wilcoxon" or not cell.waiting:
            return False
        finished = [trial.intermediate_values for trial in self._trials.all() if trial.state is TrialState.COMPLETE]
        return hopeless(finished, self._values(cell), direction=self._study.objectives[0].direction)

    def _values(self, cell: _Cell) -> Values:
        metric = self._study.objectives[0].metric
        return {seed: float(record.metrics[metric] or 0.0) for seed, record in cell.records.items()}

    def _end(self, cell: _Cell) -> None:
        del self._open[cell.drawn.cell.cell_id]
        trial, records = cell.drawn.trial, list(cell.records.values())
        bad = next((each for each in records if each.status != "complete"), None)
        if bad is not None:
            # What diverged, or was stopped, tells the sampler to keep away; what failed tells it nothing.
            lost = bad.status == "failed" and bad.kind != "diverged"
            self._trials.finish(trial, TrialState.FAIL if lost else TrialState.PRUNED, reason=bad.reason)
        elif cell.waiting:
            reason = f"stopped after {len(records)} of {len(self._study.seeds)} seeds: worse than the best cell"
            self._trials.finish(trial, TrialState.PRUNED, steps=self._values(cell), reason=reason)
        else:
            means = {name: _mean(records, name) for name in self._metrics()}
            self._trials.finish(
                trial,
                TrialState.COMPLETE,
                [means[each.metric] for each in self._study.objectives],
                constraints={name: means[name] - limit.max for name, limit in self._search.constraints.items()},
                steps=self._values(cell),
            )

    def _metrics(self) -> set[str]:
        return {each.metric for each in self._study.objectives} | set(self._search.constraints)


class _Cell:
    """A cell whose runs are under way."""

    def __init__(self, drawn: Drawn, waiting: deque[PlannedRun]) -> None:
        self.drawn = drawn
        self.waiting = waiting
        self.records: dict[int, RunRecord] = {}
        self.given = 0
        self.dropped = False


def _mean(records: list[RunRecord], metric: str) -> float:
    return mean(float(record.metrics.get(metric) or 0.0) for record in records)
