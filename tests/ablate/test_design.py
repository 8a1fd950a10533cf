"""Planning: the cells and runs that follow from a study."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate import config, design
from ablate.errors import RequestError

BASELINE = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {"depth": 1, "width": 8, "timesteps": 4},
    "training": {"epochs": 1},
}
LEVELS: dict[str, list[Any]] = {
    "residual": ["plain", "vanilla", "sew_add", "sresnet"],
    "normalization": ["none", "bn", "bntt", "tdbn"],
    "timesteps": [1, 2, 4, 8],
    "lr": [0.01, 0.026844, 0.1],
}


@st.composite
def axes(draw: st.DrawFn) -> dict[str, list[Any]]:
    names = draw(st.lists(st.sampled_from(sorted(LEVELS)), min_size=1, max_size=3, unique=True))
    return {name: draw(st.lists(st.sampled_from(LEVELS[name]), min_size=1, unique=True)) for name in names}


def study(axes: dict[str, list[Any]], **fields: Any) -> config.Study:
    return config.parse({"name": "test", "baseline": BASELINE, "axes": axes, **fields})


@given(axes(), st.integers(1, 4))
def test_one_factor_has_each_level_once_and_the_baseline_once(axes: dict[str, list[Any]], seeds: int) -> None:
    made = study(axes, seeds=seeds)
    plan = design.plan(made)

    planned = len(plan.cells) + len(plan.excluded)
    assert planned == 1 + sum(len(axis.levels) - 1 for axis in made.axes)
    assert plan.cells[0].label == "baseline"
    assert all(len(cell.varied) == 1 for cell in plan.cells[1:])
    assert len(plan.runs) == len(plan.cells) * seeds


@given(axes())
def test_factorial_has_every_combination_once(axes: dict[str, list[Any]]) -> None:
    made = study(axes, design="factorial")
    plan = design.plan(made)

    combinations = set(itertools.product(*([level.label for level in axis.levels] for axis in made.axes)))
    planned = [tuple(cell.levels.values()) for cell in (*plan.cells, *(each.cell for each in plan.excluded))]
    assert len(planned) == len(set(planned))
    assert set(planned) == combinations


@given(axes(), st.randoms())
def test_the_order_of_axes_and_levels_changes_no_identity(axes: dict[str, list[Any]], random: Any) -> None:
    shuffled = list(axes.items())
    random.shuffle(shuffled)
    for _, levels in shuffled:
        random.shuffle(levels)

    first, second = design.plan(study(axes)), design.plan(study(dict(shuffled)))
    assert {cell.cell_id for cell in first.cells} == {cell.cell_id for cell in second.cells}


def test_runs_come_in_whole_seed_blocks() -> None:
    plan = design.plan(study({"timesteps": [2, 8]}, seeds=[3, 1]))

    assert [(run.seed, run.cell.label) for run in plan.runs] == [
        (seed, label) for seed in (3, 1) for label in ("baseline", "timesteps=2", "timesteps=8")
    ]
    assert len({run.run_id for run in plan.runs}) == 6


def test_an_excluded_cell_carries_its_reason() -> None:
    rule = {"when": {"residual": ["plain", "vanilla"], "timesteps": 2}, "because": "too short"}
    plan = design.plan(study({"residual": ["plain"], "timesteps": [2]}, design="factorial", exclude=[rule]))

    assert [(each.cell.label, each.reason) for each in plan.excluded] == [("residual=plain, timesteps=2", "too short")]
    assert len(plan.cells) == 3


def test_a_senseless_combination_is_excluded_with_the_reason_of_the_catalogue() -> None:
    plan = design.plan(study({"neuron": ["relu"]}))

    assert [each.cell.label for each in plan.excluded] == ["neuron=relu"]
    assert "T" in plan.excluded[0].reason or "timestep" in plan.excluded[0].reason


def test_an_excluded_baseline_is_refused() -> None:
    with pytest.raises(RequestError, match="baseline: excluded, so nothing can be compared with it: no"):
        design.plan(study({"timesteps": [2]}, exclude=[{"when": {"timesteps": 4}, "because": "no"}]))
