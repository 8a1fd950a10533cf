"""Drawing the next cell of a search: one that was not drawn before and can be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from ablate import design
from ablate.config import Study
from ablate.design import Cell, ExcludedCell, Plan
from ablate.search import samplers
from ablate.search.space import Params, Space
from ablate.search.trials import SampledTrials

EXCLUDED = "excluded"
AGAIN = "again"
_BY_SAMPLER = 3
_PATIENCE = 200

Count = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A trial of the search and its cell."""

    trial: FrozenTrial
    cell: Cell


class Drawing:
    """Draws cells. Whether a cell is new, allowed and within the limit on parameters is known before it is trained.

    Args:
        study: the search.
        trials: where its trials are kept.
        count: the number of parameters of a cell's configuration.
    """

    def __init__(self, study: Study, trials: SampledTrials, count: Count) -> None:
        assert study.fields.search is not None
        self._study = study
        self._search = study.fields.search
        self._trials = trials
        self._count = count
        self._space = Space(study.axes)
        self._directions = [each.direction for each in study.objectives]

    @property
    def left(self) -> int:
        """Trials of the budget that are not drawn yet; cells that cannot be trained cost none of it."""
        return self._search.trials - sum(_counts(trial) for trial in self._trials.all())

    def open(self) -> list[Drawn]:
        """Trials that run: drawn, and not ended when a process died."""
        return [Drawn(trial, self.cell(trial)) for trial in self._trials.all() if trial.state is TrialState.RUNNING]

    def cell(self, trial: FrozenTrial) -> Cell:
        """The cell of a trial."""
        return design.cell(self._study, self._space.levels(trial.params))[0]

    def again(self, trial: FrozenTrial) -> Drawn:
        """A further trial of the same cell, because runs of one that has ended are repeated."""
        cell = self.cell(trial)
        return Drawn(self._add(trial.params, cell, {AGAIN: trial.number}), cell)

    def draw(self) -> Drawn | None:
        """The next cell; None when the budget is spent, or when the space seems to hold no further cell."""
        if self._trials.used_up or self.left <= 0:
            return None
        misses = draw = 0
        known = self._trials.all()
        seen = {trial.user_attrs["cell_id"] for trial in known}
        while misses < _PATIENCE:
            misses += 1
            proposed = self._proposal(known, draw)
            draw += 1
            params = self._space.settle(proposed.params)
            cell, reason = design.cell(self._study, self._space.levels(params))
            if cell.cell_id in seen:
                continue
            excess = 0.0 if reason else self._excess(cell)
            if reason is None and excess <= 0:
                return Drawn(self._add(params, cell, {}, system=proposed.system_attrs), cell)
            self._exclude(params, cell, reason, excess)
            known, draw = self._trials.all(), 0
            seen.add(cell.cell_id)
        self._trials.use_up()
        return None

    def _proposal(self, known: list[FrozenTrial], draw: int) -> samplers.Proposal:
        """The baseline first; then the sampler's choice, and chance where it comes back to known cells."""
        number, search = len(known), self._search
        if not known:
            return samplers.Proposal(self._space.reference(), {})
        seed = samplers.draw_seed(search.seed, number, draw)
        name = search.sampler if draw < _BY_SAMPLER else "random"
        sampler = samplers.make(
            name,
            seed=seed,
            budget=search.trials,
            number=number,
            fixed_seed=samplers.draw_seed(search.seed),
        )
        return samplers.propose(known, self._directions, self._space.distributions, sampler)

    def _excess(self, cell: Cell) -> float:
        limit = self._search.constraints.get("parameters")
        return 0.0 if limit is None else self._count(cell.config) - limit.max

    def _exclude(self, params: Params, cell: Cell, reason: str | None, excess: float) -> None:
        limit = self._search.constraints.get("parameters")
        if reason is None and limit is not None:
            reason = f"{excess + limit.max:,.0f} parameters are above the limit of {limit.max:,.0f}"
        system = {"constraints:parameters": excess} if excess > 0 else {}
        self._add(params, cell, {EXCLUDED: reason}, system=system, state=TrialState.PRUNED)

    def _add(
        self,
        params: Mapping[str, Any],
        cell: Cell,
        attributes: Mapping[str, Any],
        *,
        system: Mapping[str, Any] | None = None,
        state: TrialState = TrialState.RUNNING,
    ) -> FrozenTrial:
        return self._trials.add(
            params,
            self._space.distributions,
            directions=self._directions,
            state=state,
            system=system,
            cell_id=cell.cell_id,
            cell=cell.label,
            **attributes,
        )


def plan(study: Study, trials: SampledTrials) -> Plan:
    """What a search has drawn so far, in order: its cells, those that cannot be trained, and runs that were dropped."""
    space = Space(study.axes)
    cells: dict[str, Cell] = {}
    excluded: list[ExcludedCell] = []
    dropped: dict[str, str] = {}
    for trial in trials.all():
        cell = design.cell(study, space.levels(trial.params))[0]
        if EXCLUDED in trial.user_attrs:
            excluded.append(ExcludedCell(cell, trial.user_attrs[EXCLUDED]))
            continue
        cells.setdefault(cell.cell_id, cell)
        for run_id in (cell.run_id(seed) for seed in study.seeds):
            dropped.pop(run_id, None)  # the last trial of a cell counts
            if trial.state is TrialState.PRUNED:
                dropped[run_id] = trial.user_attrs.get("reason", "")
    return Plan(tuple(cells.values()), tuple(excluded), study.seeds, dropped=dropped, used_up=trials.used_up)


def _counts(trial: FrozenTrial) -> bool:
    return EXCLUDED not in trial.user_attrs and AGAIN not in trial.user_attrs
