"""The space that is sampled: axes as Optuna distributions, points of the unit cube, and back to levels."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from ablate import design
from ablate.axes import Axis, AxisLevel
from ablate.config import Study
from ablate.design import Cell

Params = dict[str, Any]


class Space:
    """The axes of a search or a tuning. A parameter is a level's printed name, or the number itself in a range."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = tuple(axes)
        self.distributions: dict[str, BaseDistribution] = {axis.name: _distribution(axis) for axis in axes}

    def reference(self) -> Params:
        """The baseline's own point."""
        return {
            axis.name: axis.reference if axis.range is None else axis.levels[0].settings[axis.path]
            for axis in self.axes
        }

    def settle(self, params: Mapping[str, Any]) -> Params:
        """Sampled parameters as they are used: numbers rounded to what is printed."""
        return {
            axis.name: params[axis.name] if axis.range is None else axis.range.settle(params[axis.name])
            for axis in self.axes
        }

    def levels(self, params: Mapping[str, Any]) -> tuple[AxisLevel, ...]:
        """The level of each axis at a point."""
        return tuple(_level(axis, params[axis.name]) for axis in self.axes)


def sample_cells(study: Study, count: int = 16) -> list[Cell]:
    """Some cells from all over a search's space, always the same."""
    space, chance = Space(study.axes), random.Random(0)
    cubes = [[chance.random() for _ in study.axes] for _ in range(count)]
    points = [space.settle(point(space.distributions, cube)) for cube in cubes]
    return [design.cell(study, space.levels(each))[0] for each in points]


def point(distributions: Mapping[str, BaseDistribution], cube: Sequence[float]) -> Params:
    """The parameters at a point of the unit cube, an equal share of it for each choice or whole number.

    Args:
        distributions: of the parameters.
        cube: a coordinate in [0, 1] for each.
    """
    return {name: _at(each, share) for (name, each), share in zip(distributions.items(), cube, strict=True)}


def coordinates(distributions: Mapping[str, BaseDistribution], params: Mapping[str, Any]) -> list[float]:
    """Where parameters lie in the unit cube; the inverse of `point` up to rounding."""
    return [_share(each, params[name]) for name, each in distributions.items()]


def _distribution(axis: Axis) -> BaseDistribution:
    if axis.range is None:
        return CategoricalDistribution([level.label for level in axis.levels])
    low, high, log, step = axis.range.low, axis.range.high, axis.range.log, axis.range.step
    if axis.range.integer:
        return IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return FloatDistribution(low, high, log=log, step=step)


def _level(axis: Axis, value: Any) -> AxisLevel:
    if axis.range is not None:
        return axis.at(value)
    return next(level for level in axis.levels if level.label == value)


def _at(distribution: BaseDistribution, share: float) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[_index(share, len(distribution.choices))]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high = distribution.low, distribution.high
    if distribution.log:
        # Whole numbers get the interval that rounds to them, also at the ends.
        half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
        start, end = math.log(low - half if low > half else low), math.log(high + half)
        value = math.exp(start + share * (end - start))
        return min(max(round(value), low), high) if half else min(max(value, low), high)
    if distribution.step is not None:
        steps = round((high - low) / distribution.step) + 1
        return low + _index(share, steps) * distribution.step
    return low + share * (high - low)


def _share(distribution: BaseDistribution, value: Any) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return (distribution.choices.index(value) + 0.5) / len(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high = distribution.low, distribution.high
    if distribution.log:
        half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
        start, end = math.log(low - half if low > half else low), math.log(high + half)
        return (math.log(value) - start) / (end - start)
    if distribution.step is not None:
        steps = round((high - low) / distribution.step) + 1
        return (round((value - low) / distribution.step) + 0.5) / steps
    return (value - low) / (high - low)


def _index(share: float, count: int) -> int:
    return min(int(share * count), count - 1)
