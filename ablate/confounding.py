"""What a design cannot tell apart, or not test at all: findings about a plan, one line each, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ablate.axes import Axis, AxisLevel, label
from ablate.baseline import value_at, with_settings
from ablate.config import Study
from ablate.design import Cell, Plan
from lightning_modules.choices import ModelChoices
from lightning_modules.company import brought_along, has_step_weights
from lightning_modules.equalities import same_function
from reports.matching import pairs

_NAMED = 4


def findings(study: Study, plan: Plan) -> list[str]:
    """The findings of a design with contrasts, axis by axis; none for a search, whose cells are no pairs."""
    if study.fields.design == "search":
        return []
    found = [line for axis in study.axes for line in (*_confounded(axis, study, plan), *_same(axis, plan))]
    return [*found, *_untestable(study, plan), *_interactions(study, plan)]


def _confounded(axis: Axis, study: Study, plan: Plan) -> Iterator[str]:
    """Levels that change more than their own axis."""
    if axis.composite:
        for level in _others(axis):
            changed = [path for path, value in level.settings.items() if _differs(study, path, value)]
            if len(changed) > 1:
                names = ", ".join(path.rpartition(".")[2] for path in changed)
                yield f"Confounded: {axis.name}={level.label} sets {names} together: no effect is any one's of them"
        return
    cells, own = {cell.cell_id: cell for cell in plan.cells}, axis.path.rpartition(".")[2]
    said: dict[tuple[str, ...], list[str]] = {}
    for level in _others(axis):
        pair = next(iter(_pairs(axis, level, plan)), None)
        if pair is None:
            continue
        above, below = (_model(cells[each]) for each in pair)
        if along := brought_along(above, below, (own,)):
            said.setdefault(along, []).append(level.label)
    if said:
        groups = "; ".join(f"{', '.join(levels)}: {', '.join(along)}" for along, levels in said.items())
        yield f"Confounded: levels of {axis.name} bring more than themselves, against {axis.reference}: {groups}"
    if own == "timesteps" and has_step_weights(study.baseline.model) and study.baseline.model.match_parameters is None:
        yield "Confounded: timesteps: the baseline has weights for every step, so their number grows with T"


def _differs(study: Study, path: str, value: Any) -> bool:
    return label(value_at(with_settings(study.baseline, {path: value}), path)) != label(value_at(study.baseline, path))


def _same(axis: Axis, plan: Plan) -> Iterator[str]:
    """Levels that compute the same function in every pair of cells that differ in them alone."""
    cells = {cell.cell_id: cell for cell in plan.cells}
    for one, other in combinations(axis.levels, 2):
        matched = pairs(_plain(plan), axis.name, one.label, other.label)
        reasons = [_same_cells(cells[first], cells[second]) for first, second in matched]
        if reasons and all(reasons):
            yield f"Same function: {axis.name}={one.label} and {other.label} ({reasons[0]}): one finding, not two"


def _same_cells(first: Cell, second: Cell) -> str | None:
    if any(first.config[section] != second.config[section] for section in first.config if section != "model"):
        return None
    return same_function(_model(first), _model(second))


def _untestable(study: Study, plan: Plan) -> Iterator[str]:
    """Levels without a cell to compare."""
    if len(plan.seeds) < 2:
        return
    names = []
    for axis in study.axes:
        for level in _others(axis):
            if _pairs(axis, level, plan):
                continue
            there = any(cell.levels[axis.name] == level.label for cell in plan.cells)
            names.append(f"{axis.name}={level.label} ({'no matching cell' if there else 'excluded'})")
    if names:
        yield f"Not testable: {_some(names)}"


def _interactions(study: Study, plan: Plan) -> Iterator[str]:
    """Interaction contrasts of a factorial whose four cells are nowhere complete."""
    if study.fields.design != "factorial" or not plan.excluded:
        return
    there = {frozenset(cell.levels.items()) for cell in plan.cells}
    for first, second in combinations(study.axes, 2):
        wanted = [(one.label, two.label) for one in _others(first) for two in _others(second)]
        lost = [pair for pair in wanted if not _estimable(first, second, pair, plan.cells, there)]
        if lost:
            named = _some([f"{one} with {two}" for one, two in lost])
            yield f"Not estimable: interaction of {first.name} and {second.name}, {len(lost)} of {len(wanted)}: {named}"


def _estimable(
    first: Axis, second: Axis, pair: tuple[str, str], cells: Sequence[Cell], there: set[frozenset[tuple[str, str]]]
) -> bool:
    for cell in cells:
        if (cell.levels[first.name], cell.levels[second.name]) != pair:
            continue
        simple = {first.name: first.reference}, {second.name: second.reference}
        three: tuple[Mapping[str, str], ...] = (
            {**cell.levels, **simple[0]}, {**cell.levels, **simple[1]}, {**cell.levels, **simple[0], **simple[1]},
        )  # fmt: skip
        if all(frozenset(each.items()) in there for each in three):
            return True
    return False


def _others(axis: Axis) -> list[AxisLevel]:
    return [level for level in axis.levels if level.label != axis.reference]


def _pairs(axis: Axis, level: AxisLevel, plan: Plan) -> tuple[tuple[str, str], ...]:
    return pairs(_plain(plan), axis.name, level.label, axis.reference)


def _plain(plan: Plan) -> list[Mapping[str, Any]]:
    return [{"cell_id": cell.cell_id, "levels": cell.levels} for cell in plan.cells]


def _model(cell: Cell) -> ModelChoices:
    return ModelChoices.model_validate(cell.config["model"])


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
