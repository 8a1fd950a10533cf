"""Spaces: every point is a level, and points and parameters are inverse to each other."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from searches import BASELINE, LISTS

from ablate import config, design
from ablate.search.space import Space, coordinates, point

AXES: dict[str, Any] = {
    **LISTS,
    "timesteps": {"low": 1, "high": 16},
    "width": {"low": 2, "high": 64, "log": True},
    "lr": {"low": 0.001, "high": 1.0, "log": True},
    "leak": {"low": 0.0, "high": 1.0},
    "threshold": {"low": 0.5, "high": 1.5, "step": 0.25},
    "recipe": {"slow": {"training.weight_decay": 0.001}},
}
STUDY = config.parse({"name": "t", "design": "search", "search": {"trials": 3}, "baseline": BASELINE, "axes": AXES})
SPACE = Space(STUDY.axes)


@given(st.lists(st.floats(0, 1), min_size=len(AXES), max_size=len(AXES)))
def test_every_point_of_the_cube_is_a_cell(cube: list[float]) -> None:
    params = SPACE.settle(point(SPACE.distributions, cube))

    for axis in STUDY.axes:
        assert axis.range is None or params[axis.name] in axis.range
        assert SPACE.distributions[axis.name]._contains(
            SPACE.distributions[axis.name].to_internal_repr(params[axis.name])
        )
    cell, _ = design.cell(STUDY, SPACE.levels(params))
    assert set(cell.levels) == set(AXES)


@given(st.lists(st.floats(0, 1), min_size=len(AXES), max_size=len(AXES)))
def test_coordinates_lead_back_to_the_same_parameters(cube: list[float]) -> None:
    params = SPACE.settle(point(SPACE.distributions, cube))

    assert SPACE.settle(point(SPACE.distributions, coordinates(SPACE.distributions, params))) == params


def test_the_reference_is_the_baselines_cell() -> None:
    assert design.cell(STUDY, SPACE.levels(SPACE.reference()))[0].label == "baseline"
