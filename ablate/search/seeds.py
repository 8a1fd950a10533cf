"""Stopping a cell between its seeds: Wilcoxon's signed-rank test against the best cell so far."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import WilcoxonPruner
from optuna.trial import TrialState, create_trial

Values = Mapping[int, float]
Direction = Literal["maximize", "minimize"]


def hopeless(finished: Sequence[Values], current: Values, *, direction: Direction) -> bool:
    """Whether the pruner would stop a cell after the seeds it has run.

    Args:
        finished: seed -> objective of every cell whose seeds are all run.
        current: the same of the cell in question.
        direction: of the objective.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        memory = optuna.create_study(direction=direction, pruner=WilcoxonPruner())
    nothing: dict[str, BaseDistribution] = {}
    for values in finished:
        mean = sum(values.values()) / len(values)
        memory.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=mean,
                params={},
                distributions=nothing,
                intermediate_values=dict(values),
            )
        )
    trial = memory.ask()
    for seed, value in sorted(current.items()):
        trial.report(value, step=seed)
    return trial.should_prune()
