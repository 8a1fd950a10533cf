"""Axes x baseline x seeds -> cells and runs. Pure functions: the same study gives the same plan on every machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ablate.axes import Axis, AxisLevel, level_labels
from ablate.baseline import Baseline, with_settings
from ablate.config import Study
from ablate.errors import RequestError
from ablate.identity import cell_id
from lightning_modules import constraints, data

Assignment = tuple[AxisLevel, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One full assignment, seed left out.

    Attributes:
        cell_id: hash of what defines the experiment.
        label: the axes in which it departs from the baseline (`residual=plain`), or `baseline`.
        levels: axis -> printed level, for every axis.
        varied: the axes in which it departs from the baseline.
        config: the sections `protocol`, `data`, `model`, `training` in full, as plain data.
    """

    cell_id: str
    label: str
    levels: Mapping[str, str]
    varied: tuple[str, ...]
    config: Mapping[str, Any]

    def run_id(self, seed: int) -> str:
        """The run of this cell in a seed block."""
        return f"{self.cell_id}-{seed}"


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A cell in one seed block; `execution` says what is special about how it is run."""

    run_id: str
    cell: Cell
    seed: int
    execution: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExcludedCell:
    """A cell of the design that will not run, and why."""

    cell: Cell
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study will do: its cells, the cells left out, and one run for each cell and seed, block by block.

    Attributes:
        dropped: run id -> reason, for the runs of cells that a search has stopped; those that began are not less run.
        confirmation: runs of selected cells on fresh seeds.
        used_up: whether a search has drawn every cell that it can.
    """

    cells: tuple[Cell, ...]
    excluded: tuple[ExcludedCell, ...]
    seeds: tuple[int, ...]
    dropped: Mapping[str, str] = field(default_factory=dict)
    confirmation: tuple[PlannedRun, ...] = ()
    used_up: bool = False

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """The runs of the design."""
        # Whole blocks first: an interrupted study then compares all cells on few seeds, not few cells on all.
        return tuple(PlannedRun(cell.run_id(seed), cell, seed) for seed in self.seeds for cell in self.cells)


def plan(study: Study) -> Plan:
    """All cells of a study, each counted once, with those left out and the reasons.

    Raises:
        RequestError: if the baseline itself is excluded: nothing could be compared with it.
    """
    cells: dict[str, Cell] = {}
    excluded: dict[str, ExcludedCell] = {}
    for assignment in _assignments(study):
        found, reason = cell(study, assignment)
        if reason is None:
            cells.setdefault(found.cell_id, found)
        elif found.varied:
            excluded.setdefault(found.cell_id, ExcludedCell(found, reason))
        else:
            raise RequestError(f"baseline: excluded, so nothing can be compared with it: {reason}")
    return Plan(tuple(cells.values()), tuple(excluded.values()), study.seeds)


def cell(study: Study, assignment: Assignment) -> tuple[Cell, str | None]:
    """The cell of an assignment, and why it is left out; None if it is not."""
    configured = with_settings(study.baseline, _settings(assignment))
    found = _cell(study, assignment, configured)
    return found, _reason(study, found, configured)


def _assignments(study: Study) -> Iterator[Assignment]:
    reference = tuple(_reference(axis) for axis in study.axes)
    yield reference
    if study.fields.design == "factorial":
        yield from itertools.product(*(axis.levels for axis in study.axes))
        return
    for position, axis in enumerate(study.axes):
        for level in axis.levels:
            yield (*reference[:position], level, *reference[position + 1 :])


def _reference(axis: Axis) -> AxisLevel:
    return next(level for level in axis.levels if level.label == axis.reference)


def _settings(assignment: Assignment) -> dict[str, Any]:
    return {path: value for level in assignment for path, value in level.settings.items()}


def _cell(study: Study, assignment: Assignment, configured: Baseline) -> Cell:
    levels = {axis.name: level.label for axis, level in zip(study.axes, assignment, strict=True)}
    varied = tuple(axis.name for axis in study.axes if levels[axis.name] != axis.reference)
    label = ", ".join(f"{name}={levels[name]}" for name in varied) or "baseline"
    facts = data.describe(configured.data)
    identity = cell_id(configured, dataset=f"{facts.name}-{facts.version}/{facts.split}")
    return Cell(identity, label, levels, varied, configured.model_dump(mode="json"))


def _reason(study: Study, cell: Cell, configured: Baseline) -> str | None:
    for rule in study.fields.exclude:
        if all(_matches(study, cell, name, wanted) for name, wanted in rule.when.items()):
            return rule.because
    return constraints.check(configured.model, configured.training, configured.data)


def _matches(study: Study, cell: Cell, name: str, wanted: Any) -> bool:
    axis = study.axis(name)
    # A rule may speak of an axis that an override took out of the study.
    return axis is not None and cell.levels[axis.name] in level_labels(axis, wanted, study.baseline)
