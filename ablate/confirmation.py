"""Confirming selected cells on fresh seeds: `ablate run STUDY --confirm best --seeds 5`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import mean

from ablate.attempts import RunState
from ablate.config import Study
from ablate.design import Cell, Plan, PlannedRun
from ablate.errors import RequestError
from ablate.sections import FRESH_SEEDS
from lightning_modules.catalogue import near

MOST_SEEDS = 1_000
_TOP = re.compile(r"top([1-9]\d*)")


def runs(cells: Iterable[Cell], seeds: int) -> tuple[PlannedRun, ...]:
    """The confirmation runs of cells: seeds that no search, tuning or design uses, block by block."""
    chosen = list(cells)
    blocks = range(FRESH_SEEDS, FRESH_SEEDS + seeds)
    return tuple(PlannedRun(cell.run_id(seed), cell, seed) for seed in blocks for cell in chosen)


def known(plan: Plan, run_ids: Iterable[str]) -> Plan:
    """The plan with the confirmation runs that were asked for before: those that the ledger knows."""
    cells = {cell.cell_id: cell for cell in plan.cells}
    found = []
    for run_id in run_ids:
        cell_id, _, seed = run_id.rpartition("-")
        if cell_id in cells and seed.isdigit() and FRESH_SEEDS <= int(seed) < FRESH_SEEDS + MOST_SEEDS:
            found.append(PlannedRun(run_id, cells[cell_id], int(seed)))
    return replace(plan, confirmation=tuple(sorted(found, key=lambda run: (run.seed, run.cell.label))))


def require(study: Study, plan: Plan, wanted: str) -> None:
    """See, before anything runs, that `wanted` can mean cells; a search may yet draw those that it does not know.

    Raises:
        RequestError: if it cannot.
    """
    top, labels = _TOP.fullmatch(wanted), ["baseline", *(cell.label for cell in plan.cells)]
    if top is not None and len(study.objectives) > 1:
        raise RequestError(f"--confirm {wanted}: several objectives have no order; best confirms the Pareto front")
    to_be_drawn = study.fields.search is not None and "=" in wanted
    if wanted != "best" and top is None and wanted not in labels and not to_be_drawn:
        raise _unknown(wanted, labels)


def select(study: Study, plan: Plan, states: Mapping[str, RunState], wanted: str) -> list[Cell]:
    """The cells that `best`, `top3` or a cell's name means, judged on validation alone.

    With several objectives `best` is the Pareto front. A cell counts when all its seeds are complete, and in a search
    when it keeps the limits.

    Raises:
        RequestError: if nothing is complete, or there is no such cell.
    """
    require(study, plan, wanted)
    labels = {cell.label: cell for cell in plan.cells}
    if wanted in labels:
        return [labels[wanted]]
    top = _TOP.fullmatch(wanted)
    if wanted != "best" and top is None:
        raise _unknown(wanted, labels)
    scores = {cell.label: score for cell in plan.cells if (score := _score(study, plan, states, cell)) is not None}
    if not scores:
        raise RequestError(f"--confirm {wanted}: no cell of {study.name} is complete and within its limits yet")
    if len(study.objectives) > 1:
        return [labels[label] for label in front(scores)]
    ranked = sorted(scores, key=lambda label: scores[label], reverse=True)
    return [labels[label] for label in ranked[: int(top[1]) if top else 1]]


def front(scores: Mapping[str, Sequence[float]]) -> list[str]:
    """The names whose scores, larger is better, no other reaches in all objectives and exceeds in one."""

    def beaten(mine: Sequence[float], other: Sequence[float]) -> bool:
        pairs = list(zip(mine, other, strict=True))
        return all(b >= a for a, b in pairs) and any(b > a for a, b in pairs)

    return [name for name, mine in scores.items() if not any(beaten(mine, other) for other in scores.values())]


def _unknown(wanted: str, labels: Iterable[str]) -> RequestError:
    suggestion = near(wanted, ["best", *labels])
    return RequestError(f"--confirm: {wanted!r} is not a cell{suggestion} best, top3, or a cell of ablate status")


def _score(study: Study, plan: Plan, states: Mapping[str, RunState], cell: Cell) -> tuple[float, ...] | None:
    """Means over the seeds, larger is better; None for a cell that is not complete or exceeds a limit."""
    found = [states.get(cell.run_id(seed)) for seed in plan.seeds]
    records = [state.summary for state in found if state and state.status == "complete" and state.summary]
    if len(records) < len(found):
        return None
    limits = study.fields.search.constraints if study.fields.search else {}
    wanted = [*(each.metric for each in study.objectives), *limits]
    means = {name: mean(float(record.metrics.get(name) or 0.0) for record in records) for name in wanted}
    if any(means[name] > limit.max for name, limit in limits.items()):
        return None
    return tuple(means[each.metric] * (1 if each.direction == "maximize" else -1) for each in study.objectives)
