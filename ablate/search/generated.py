"""Two samplers without stored state: scrambled Sobol points, and CMA-ES told anew what is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ablate.search.space import Params, coordinates, point


class _CubeSampler(BaseSampler):
    """A sampler that gives points of the unit cube over all parameters at once."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._independent = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        for past in study.get_trials(deepcopy=False):
            if past.distributions:
                return dict(past.distributions)
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> Params:
        return point(search_space, self._cube(study, search_space)) if search_space else {}

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _cube(self, study: Study, space: dict[str, BaseDistribution]) -> Sequence[float]:
        raise NotImplementedError


class SobolSampler(_CubeSampler):
    """The point of a scrambled Sobol sequence with the number of the trial (Owen 1998, through scipy)."""

    def __init__(self, seed: int, number: int) -> None:
        super().__init__(seed)
        self._number = number

    def _cube(self, study: Study, space: dict[str, BaseDistribution]) -> Sequence[float]:
        from scipy.stats.qmc import Sobol

        sequence = Sobol(len(space), scramble=True, rng=self._seed)
        sequence.fast_forward(self._number)
        return [float(each) for each in sequence.random(1)[0]]


class CmaSampler(_CubeSampler):
    """CMA-ES (Hansen 2016, through the package cmaes): complete trials, in the order they ended, are its generations.

    Each draw builds the optimiser and tells it all whole generations again, which takes milliseconds.
    """

    _SIGMA = 0.3

    def _cube(self, study: Study, space: dict[str, BaseDistribution]) -> Sequence[float]:
        import numpy as np
        from cmaes import CMA

        sides = len(space)
        optimizer = CMA(
            np.full(sides, 0.5), self._SIGMA, bounds=np.tile([0.0, 1.0], (sides, 1)), seed=self._seed % 2**31
        )
        sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0
        known = sorted(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)), key=_ended)
        told = [(np.array(coordinates(space, trial.params)), sign * (trial.value or 0.0)) for trial in known]
        size = optimizer.population_size
        for first in range(0, len(told) - size + 1, size):
            if optimizer.should_stop():
                break
            optimizer.tell(told[first : first + size])
        return [float(each) for each in optimizer.ask()]


def _ended(trial: FrozenTrial) -> tuple[datetime, int]:
    return trial.datetime_complete or datetime.max, trial.number
