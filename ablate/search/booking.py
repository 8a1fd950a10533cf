"""How a sampled run stands in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.design import PlannedRun


@dataclass(frozen=True, slots=True)
class _BookedCell:
    cell_id: str
    label: str
    levels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SampledRun:
    """A run whose levels are not choices of the ledger's Optuna study: they are parameters of the sampled trial.

    The ledger's lists of choices would grow with every number that is sampled, which costs it a copy each time.
    """

    planned: PlannedRun

    @property
    def run_id(self) -> str:
        return self.planned.run_id

    @property
    def seed(self) -> int:
        return self.planned.seed

    @property
    def cell(self) -> _BookedCell:
        return _BookedCell(self.planned.cell.cell_id, self.planned.cell.label, {})
