"""Tuning: for every cell the same number of trials over nuisance parameters, then its seeds with the best values."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isclose
from statistics import median
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from ablate.attempts import Planned
from ablate.baseline import Baseline, with_settings
from ablate.config import Study
from ablate.design import Cell, Plan, PlannedRun
from ablate.records import RunRecord
from ablate.search import samplers
from ablate.search.booking import SampledRun
from ablate.search.space import Params, Space, coordinates
from ablate.search.trials import SampledTrials
from ablate.sections import FRESH_SEEDS
from lightning_modules import constraints

SEED = 2 * FRESH_SEEDS
"""Of every tuning run: apart from the seeds of all studies and of confirmations."""

_PATIENCE = 100

TrialsOf = Callable[[str], SampledTrials]


@dataclass(frozen=True, slots=True)
class Tuned:
    """The tuning of one cell.

    Attributes:
        cell: what was tuned.
        trials: trials so far, those that failed among them.
        values: the objective on validation of those that are complete, best first.
        chosen: path -> best value; the baseline's own where no trial is complete.
        border: chosen parameters within 5 % of an end of their range.
    """

    cell: Cell
    trials: int
    values: tuple[float, ...]
    chosen: Mapping[str, Any]
    border: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As a report shows it."""
        return {
            "cell_id": self.cell.cell_id,
            "cell": self.cell.label,
            "trials": self.trials,
            "complete": len(self.values),
            "chosen": dict(self.chosen),
            "border": list(self.border),
            "best": self.values[0] if self.values else None,
            "median": median(self.values) if self.values else None,
            "worst": self.values[-1] if self.values else None,
        }


class Tuning:
    """The tunings of a study's cells, read from its storage.

    Args:
        study: with a `tuning` section.
        trials_of: where the trials of a cell are kept, by its id.
    """

    def __init__(self, study: Study, trials_of: TrialsOf) -> None:
        assert study.fields.tuning is not None
        self._study = study
        self._trials_of = trials_of
        self.settings = study.fields.tuning
        self.space = Space(study.nuisance)
        self.metric = study.objective.metric

    def of(self, cell: Cell) -> Tuned:
        """What the tuning of a cell has found so far."""
        trials = self.tried(cell)
        higher = self._study.objective.direction == "maximize"
        complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
        complete.sort(key=lambda trial: (-1 if higher else 1) * (trial.value or 0.0))
        params = complete[0].params if complete else self.space.reference()
        values = tuple(float(trial.value or 0.0) for trial in complete)
        return Tuned(cell, len(trials), values, self._settings(params), tuple(self._border(params)))

    def trials(self, cell: Cell) -> SampledTrials:
        """Where the trials of a cell are kept."""
        return self._trials_of(f"tuning {cell.cell_id}")

    def tried(self, cell: Cell) -> list[FrozenTrial]:
        """The trials of a cell, in order; of one that was repeated the latest."""
        return list({_slot(trial): trial for trial in self.trials(cell).all()}.values())

    def run_ids(self, cell: Cell) -> list[str]:
        """The runs of a cell's whole budget, or of its whole space where that holds fewer points."""
        count = len(self.tried(cell)) if self.trials(cell).used_up else self.settings.trials
        return [_run_id(cell, slot) for slot in range(count)]

    def evaluation(self, run: PlannedRun) -> PlannedRun:
        """A run of the design with the values its cell has chosen; the identity stays that of what was asked."""
        chosen = self.of(run.cell).chosen
        return replace(run, cell=_with(run.cell, chosen), execution={**run.execution, "tuned": dict(chosen)})

    def run(self, cell: Cell, trial: FrozenTrial) -> SampledRun:
        """The run of a trial."""
        tried = _with(cell, self._settings(trial.params))
        return SampledRun(PlannedRun(_run_id(cell, _slot(trial)), tried, SEED, {"purpose": "tuning"}))

    def again(self, cell: Cell, trial: FrozenTrial) -> FrozenTrial:
        """A further trial in the place of one that has ended, because its run is repeated."""
        return self._add(cell, trial.params, _slot(trial))

    def repeatable(self, cells: Iterable[Cell], statuses: Mapping[str, str]) -> list[SampledRun]:
        """The runs that may be repeated: of cells none of whose seeds has run with what their tuning chose."""
        seeds = self._study.seeds
        return [
            self.run(cell, trial)
            for cell in cells
            if not any(statuses.get(cell.run_id(seed)) in ("complete", "pruned") for seed in seeds)
            for trial in self.tried(cell)
        ]

    def draw(self, cell: Cell) -> FrozenTrial | None:
        """A further trial of a cell, the baseline's own values first; None when its space holds no further point."""
        known = self.tried(cell)
        seen = [trial.params for trial in known]
        for draw in range(_PATIENCE):
            proposal = self._proposal(known, cell.cell_id, draw)
            params = self.space.settle(proposal.params)
            if params not in seen and (not known or self._allowed(cell, params)):
                return self._add(cell, params, len(known), proposal.system_attrs)
        self.trials(cell).use_up()
        return None

    def _add(self, cell: Cell, params: Params, slot: int, system: Mapping[str, Any] | None = None) -> FrozenTrial:
        return self.trials(cell).add(
            params, self.space.distributions, directions=[self._study.objective.direction], system=system,
            cell_id=cell.cell_id, cell=cell.label, slot=slot,
        )  # fmt: skip

    def _proposal(self, known: list[FrozenTrial], cell_id: str, draw: int) -> samplers.Proposal:
        if not known:
            return samplers.Proposal(self.space.reference(), {})
        settings = self.settings
        sampler = samplers.make(
            settings.sampler if draw == 0 else "random",
            seed=samplers.draw_seed(settings.seed, cell_id, len(known), draw),
            budget=settings.trials,
            number=len(known),
            fixed_seed=samplers.draw_seed(settings.seed, cell_id),
        )
        return samplers.propose(known, [self._study.objective.direction], self.space.distributions, sampler)

    def _allowed(self, cell: Cell, params: Params) -> bool:
        configured = Baseline.model_validate(_with(cell, self._settings(params)).config)
        return constraints.check(configured.model, configured.training, configured.data) is None

    def _settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {path: value for level in self.space.levels(params) for path, value in level.settings.items()}

    def _border(self, params: Mapping[str, Any]) -> Iterator[str]:
        for axis in self.space.axes:
            if axis.range is not None:
                one, value = {axis.name: self.space.distributions[axis.name]}, params[axis.name]
                # Of few values each has a wide share of the range: an end is an end, wherever its share begins.
                at_an_end = any(isclose(value, end) for end in (axis.range.low, axis.range.high))
                if at_an_end or not 0.05 <= coordinates(one, params)[0] <= 0.95:
                    yield axis.name


class TuningSource:
    """Gives the tuning runs, one a cell in turn, and then the runs of the design, block by block.

    Args:
        tuning: of the study.
        plan: its cells and runs, with confirmations.
        statuses: status of every run that the ledger knows, by run id.
    """

    def __init__(self, tuning: Tuning, plan: Plan, statuses: Mapping[str, str]) -> None:
        self._tuning = tuning
        self._cells = {cell.cell_id: cell for cell in plan.cells}
        self._runs = deque((*plan.runs, *plan.confirmation))
        self._due: deque[tuple[Cell, FrozenTrial]] = deque()
        self._open: dict[str, tuple[Cell, FrozenTrial]] = {}
        for cell in plan.cells:
            for trial in tuning.tried(cell):
                if not trial.state.is_finished():
                    self._due.append((cell, trial))
                elif statuses.get(_run_id(cell, _slot(trial))) == "missing":
                    self._due.append((cell, tuning.again(cell, trial)))

    def more(self) -> Planned | None:
        if not self._due:
            self._draw()
        if self._due:
            cell, trial = self._due.popleft()
            run = self._tuning.run(cell, trial)
            self._open[run.run_id] = (cell, trial)
            return run
        if self._open or not self._runs:
            return None
        return self._tuning.evaluation(self._runs.popleft())

    def ended(self, run: Planned, record: RunRecord) -> None:
        if run.run_id not in self._open:
            return
        cell, trial = self._open.pop(run.run_id)
        value = record.metrics.get(self._tuning.metric)
        if record.status == "complete" and value is not None:
            self._tuning.trials(cell).finish(trial, TrialState.COMPLETE, [float(value)])
            return
        state = TrialState.PRUNED if record.kind == "diverged" else TrialState.FAIL
        self._tuning.trials(cell).finish(trial, state, reason=record.reason)

    def _draw(self) -> None:
        """A trial of the cell that has had the fewest, so that the budgets grow evenly."""
        drawn = {key: len(self._tuning.tried(cell)) for key, cell in self._cells.items()}
        for key in sorted(drawn, key=lambda each: drawn[each]):
            cell = self._cells[key]
            if drawn[key] >= self._tuning.settings.trials or self._tuning.trials(cell).used_up:
                continue
            if (trial := self._tuning.draw(cell)) is not None:
                self._due.append((cell, trial))
                return


def _slot(trial: FrozenTrial) -> int:
    """The place of a trial in its cell's budget: its number, as long as none was repeated before it."""
    slot: int = trial.user_attrs.get("slot", trial.number)
    return slot


def _run_id(cell: Cell, slot: int) -> str:
    return f"{cell.cell_id}-tuning{slot}"


def _with(cell: Cell, settings: Mapping[str, Any]) -> Cell:
    configured = with_settings(Baseline.model_validate(cell.config), settings, where="tuning.space")
    return replace(cell, config=configured.model_dump(mode="json"))
