"""Confirmation: who is selected, on which seeds, and how it stands beside the design."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import inside

from ablate import config, confirmation, design
from ablate.attempts import RunState
from ablate.config import Study
from ablate.design import Plan
from ablate.errors import RequestError
from ablate.records import RunRecord
from ablate.sections import FRESH_SEEDS

VALUES = {"baseline": 0.8, "timesteps=2": 0.9, "timesteps=8": 0.85}


def study(*overrides: str) -> Study:
    return config.load("quickstart", ["seeds=2", "axes={timesteps: [2, 8]}", *overrides])


def states(plan: Plan, values: Mapping[str, float], **metrics: Mapping[str, float]) -> dict[str, RunState]:
    found = {}
    for run in plan.runs:
        if run.cell.label in values:
            known = {name: each[run.cell.label] for name, each in metrics.items()}
            record = RunRecord(
                run.run_id, 0, "t", "complete", metrics={"val_accuracy": values[run.cell.label], **known}
            )
            found[run.run_id] = RunState(
                run.run_id, run.cell.label, run.seed, "complete", "", "", 1, 0, record, None, None
            )
    return found


def selected(wanted: str, made: Study, known: Mapping[str, float] = VALUES, **metrics: Any) -> list[str]:
    plan = design.plan(made)
    return [cell.label for cell in confirmation.select(made, plan, states(plan, known, **metrics), wanted)]


def test_best_is_the_best_on_validation() -> None:
    assert selected("best", study()) == ["timesteps=2"]
    assert selected("best", study("objective={metric: val_accuracy, direction: minimize}")) == ["baseline"]


def test_top_takes_the_first_few_and_a_name_the_cell_itself() -> None:
    assert selected("top2", study()) == ["timesteps=2", "timesteps=8"]
    assert selected("timesteps=8", study(), {}) == ["timesteps=8"]


def test_a_cell_that_is_not_complete_is_not_selected() -> None:
    assert selected("best", study(), {"baseline": 0.8}) == ["baseline"]


def test_several_objectives_select_the_front_within_the_limits() -> None:
    objective = "objective=[{metric: val_accuracy}, {metric: energy_nj}]"
    limits = "search={trials: 3, constraints: {synops: {max: 10}}}"
    made = study("design=search", objective, limits)
    plan = design.plan(study())
    costs = {"energy_nj": {"baseline": 5.0, "timesteps=2": 2.0, "timesteps=8": 1.0}}
    synops = {"synops": {"baseline": 1.0, "timesteps=2": 1.0, "timesteps=8": 11.0}}

    both = confirmation.select(made, plan, states(plan, VALUES, **costs, **synops), "best")

    assert [cell.label for cell in both] == ["timesteps=2"]
    with pytest.raises(RequestError, match="several objectives have no order"):
        confirmation.select(made, plan, states(plan, VALUES, **costs, **synops), "top2")


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ("bst", "--confirm: 'bst' is not a cell; did you mean 'best'?"),
        ("timesteps=3", "--confirm: 'timesteps=3' is not a cell; did you mean 'timesteps=2'?"),
        ("best", "--confirm best: no cell of quickstart is complete and within its limits yet"),
    ],
)
def test_what_cannot_be_confirmed_is_refused_in_one_line(wanted: str, line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        selected(wanted, study(), {})

    assert str(refusal.value).startswith(line)


def test_seeds_are_fresh_and_found_again_in_the_ledger() -> None:
    plan = design.plan(study())
    runs = confirmation.runs(plan.cells[:1], 3)

    assert [run.seed for run in runs] == [FRESH_SEEDS, FRESH_SEEDS + 1, FRESH_SEEDS + 2]
    known = [*(run.run_id for run in (*plan.runs, *runs)), f"{plan.cells[0].cell_id}-tuning3", "gone-1000000"]
    assert confirmation.known(plan, known).confirmation == runs


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--confirm", "bst"], "ablate: --confirm: 'bst' is not a cell; did you mean 'best'?"),
        (["design=search", "search.trials=3", "--confirm", "bst"], "ablate: --confirm: 'bst' is not a cell"),
        (["--seeds", "3"], "ablate: --seeds 3: goes with --confirm; for seed blocks of the study write seeds=3"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(options: list[str], line: str, tmp_path: Path) -> None:
    done = inside("run", "quickstart", *options, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(line)
    assert list(tmp_path.iterdir()) == []


def test_a_search_may_yet_draw_the_cell_that_is_named() -> None:
    made = study("design=search", "search={trials: 3}")

    for wanted in ("timesteps=2", "baseline", "best", "top2"):
        confirmation.require(made, Plan((), (), (0,)), wanted)
